import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { type Data, offlineExchange, type StorageAdapter } from "@urql/exchange-graphcache";
import { makeDefaultStorage } from "@urql/exchange-graphcache/default-storage";
import { createClient as createSocket } from "graphql-ws";
import { connection } from "./connection.ts";
import type { Session } from "./session.ts";

export type Api = {
  client: Client;
  /** Ends it. `forget`: and leaves nothing of this person's in the browser. */
  close(options?: { forget?: boolean }): Promise<void>;
};

/** graphql-ws: the token is not, or no longer, good. */
const FORBIDDEN = 4403;
/** A server that restarts is back by then; nobody need read that it was away. */
const UNNOTICED_MS = 2000;
const LONGEST_PAUSE_MS = 15_000;
/**
 * The protocol does not tell when a server has begun to listen for a subscription. By then it has; what changed between the
 * first answer and that moment would otherwise be shown as it was until something else happens.
 */
const CATCH_UP_MS = 1000;

/**
 * The API as one signed-in person. Answers live in graphcache, normalised, so that an account that a subscription brings is
 * new everywhere at once; and in IndexedDB, under the person's id, so that the page opens without a network. (The document
 * cache knows neither: each live event would mean asking for all accounts again.)
 *
 * @param on.refused the token is not accepted any more
 * @param on.listening live updates have begun, or begun again: what happened before that must be asked for
 */
export function openApi(session: Session, on: { refused: () => void; listening: () => void }): Api {
  const disk = makeDefaultStorage({ idbName: `tidemark ${session.userId}`, maxAge: 30 });
  let isForgotten = false;
  const storage: StorageAdapter = {
    ...disk,
    // The cache also writes when what was shown is let go of: then there must be nothing any more.
    writeData: (data) => (isForgotten ? Promise.resolve() : disk.writeData(data)),
  };
  let listeningTimer: ReturnType<typeof setTimeout> | undefined;
  let lostTimer: ReturnType<typeof setTimeout> | undefined;
  const socket = createSocket({
    url: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/graphql`,
    connectionParams: { authorization: `Bearer ${session.token}` },
    lazy: false,
    keepAlive: 10_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (event) => !(isClose(event) && event.code === FORBIDDEN),
    retryWait: (retries) => pause(Math.min(500 * 2 ** retries, LONGEST_PAUSE_MS)),
    onNonLazyError: () => {},
    on: {
      connected() {
        clearTimeout(lostTimer);
        connection.answered();
        clearTimeout(listeningTimer);
        listeningTimer = setTimeout(on.listening, CATCH_UP_MS);
      },
      closed(event) {
        if (isClose(event) && event.code === FORBIDDEN) {
          on.refused();
          return;
        }
        clearTimeout(listeningTimer);
        clearTimeout(lostTimer);
        lostTimer = setTimeout(() => connection.lost(), UNNOTICED_MS);
      },
    },
  });

  const client = new Client({
    url: "/graphql",
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    fetchOptions: { headers: { authorization: `Bearer ${session.token}` } },
    async fetch(input, init) {
      let reply: Response;
      try {
        reply = await fetch(input, init);
      } catch (error) {
        if (!isAbort(error)) connection.lost();
        throw error;
      }
      if (reply.headers.has("x-tidemark-kept")) connection.lost();
      else connection.answered();
      if (reply.status === 401) on.refused();
      return reply;
    },
    exchanges: [
      offlineExchange({
        storage,
        // What the service worker keeps, it sends; nothing else is sent later by itself.
        isOfflineError: (error) => error?.networkError !== undefined && error.response === undefined,
        keys: {
          AccountChange: () => null,
          AccountConnection: () => null,
          AccountSyncState: () => null,
          DaySpan: () => null,
          Interval: () => null,
          NewNotification: () => null,
          NewTransactions: () => null,
          NotificationConnection: () => null,
          NotificationPreference: () => null,
          PlatformStatus: byPlatform,
          PushSubscription: ({ endpoint }) => (typeof endpoint === "string" ? endpoint : null),
          SyncLogConnection: () => null,
          SyncRequest: () => null,
          SyncSetting: byPlatform,
          TransactionConnection: () => null,
        },
        resolvers: {
          Query: { account: (_parent, { id }) => (typeof id === "string" ? { __typename: "Account", id } : null) },
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe(
              { query: query ?? "", variables: { ...variables } },
              {
                next: ({ data, errors }) =>
                  sink.next({ data: data ?? null, ...(errors === undefined ? {} : { errors }) }),
                error: (error) => sink.error(error),
                complete: () => sink.complete(),
              },
            ),
          }),
        }),
      }),
    ],
  });
  return {
    client,
    async close({ forget = false } = {}) {
      clearTimeout(listeningTimer);
      clearTimeout(lostTimer);
      isForgotten ||= forget;
      try {
        await socket.dispose();
      } catch {
        // It says why the last connection failed, which has been told already.
      }
      if (forget) await disk.clear();
    },
  };
}

/** Until the time is over, or the browser says that there is a network again. */
function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    window.addEventListener("online", end);
  });
}

/** One of each platform, for one person. */
const byPlatform = ({ platformSource }: Data): string | null =>
  typeof platformSource === "string" ? platformSource : null;

const isClose = (event: unknown): event is CloseEvent => event instanceof CloseEvent;
const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === "AbortError";
