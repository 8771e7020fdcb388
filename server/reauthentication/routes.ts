import rateLimit from "@fastify/rate-limit";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import { type ReauthTarget, reauthTarget, recordTap } from "../../db/queries/reauthentication.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { DeepLinks, openDeepLinks } from "../../tasks/@deep_links/deep_links.ts";
import { ProviderBusyError } from "../../tasks/@linking/mono_for_people.ts";
import { type Linking, LinkRefusedError, ProviderSilentError } from "../linking.ts";
import { type LinkPage, LINK_PAGES, renderLinkPage } from "./link_page.ts";
import { MintedPages } from "./minted_pages.ts";

/** Requests a minute. */
export type LinkLimits = {
  /** From one address; behind a proxy, that is everybody. */
  requests: number;
  /** Of one account, by links that are good: each may cost a request to its provider. */
  account: number;
};

export type ReauthenticationDependencies = {
  /** Acts as app_service. */
  db: Queryable;
  keyring: Keyring;
  linking: Linking;
  /** Where people reach this server. */
  publicUrl: string | undefined;
  limits?: Partial<LinkLimits>;
};

const LIMITS: LinkLimits = { requests: 600, account: 20 };
const MINUTE_MS = 60_000;

const asked = z.object({
  params: z.object({ account: z.guid() }),
  query: z.object({ t: z.string().max(100) }),
});

/** A link that does not lead on; the page says why, as far as anybody may know. */
class LinkPageError extends Error {
  override readonly name = "LinkPageError";
  readonly page: LinkPage;
  /** For the operator's log: what the page tells nobody. */
  readonly why: string;

  constructor(page: LinkPage, why: string, options?: ErrorOptions) {
    super(page.title, options);
    this.page = page;
    this.why = why;
  }
}

type Tapped = { accountId: string; target: ReauthTarget };

/**
 * `GET /{account}/reauth?t=…`, where a notification leads: to Mono's page for a bank, minted at this moment because it lives
 * for minutes; to the wallet's set-up for MoMo.
 *
 * Scanners follow links before people do. HEAD and a browser's prefetch look and do nothing; a scanner's GET mints a page
 * that whoever comes within three minutes is led to as well, and nothing at Mono is used up by minting it.
 */
export const reauthenticationRoutes: FastifyPluginAsync<ReauthenticationDependencies> = async (app, deps) => {
  const { db, keyring, linking, publicUrl } = deps;
  await app.register(rateLimit, { global: false });
  const limits = { ...LIMITS, ...deps.limits };
  const fromAddress = app.createRateLimit({ max: limits.requests, timeWindow: MINUTE_MS });
  const ofAccount = app.createRateLimit({
    max: limits.account,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => asked.shape.params.parse(request.params).account.toLowerCase(),
  });
  const pages = new MintedPages(db, keyring);
  const home = publicUrl === undefined ? null : `${publicUrl}/`;
  let links: Promise<DeepLinks> | undefined;

  const verify = async (request: FastifyRequest): Promise<Tapped> => {
    const link = asked.safeParse(request);
    if (!link.success) throw new LinkPageError(LINK_PAGES.unknown, "malformed");
    const accountId = link.data.params.account.toLowerCase();
    const target = await reauthTarget(db, accountId);
    if (target === undefined) throw new LinkPageError(LINK_PAGES.unknown, "no such account");
    links ??= openDeepLinks(db, keyring, { PUBLIC_URL: undefined, APP_DEEP_LINK_BASE: undefined });
    let verdict;
    try {
      const account = { accountId, userId: target.userId };
      verdict = (await links).verifyReauthentication(account, link.data.query.t, target.now);
    } catch (error) {
      links = undefined;
      throw error;
    }
    if (verdict === "expired") throw new LinkPageError(LINK_PAGES.expired, "expired");
    if (verdict !== "valid") throw new LinkPageError(LINK_PAGES.unknown, "not signed for this account and purpose");
    refuseIfExceeded(await ofAccount(request));
    if (target.standing === "unlinked") throw new LinkPageError(LINK_PAGES.unlinked, "unlinked");
    return { accountId, target };
  };

  const leadOn = async ({ accountId, target }: Tapped): Promise<string> => {
    const { monoAccountId } = target;
    // Also where the page was minted before.
    await recordTap(db, accountId);
    if (monoAccountId === null) return `${publicUrl ?? ""}/?setup=${accountId}`;
    try {
      return await pages.page(accountId, () => linking.mintReauthentication({ id: accountId, monoAccountId }));
    } catch (error) {
      if (error instanceof LinkRefusedError) throw new LinkPageError(LINK_PAGES.gone, "gone at Mono", { cause: error });
      if (error instanceof ProviderSilentError || error instanceof ProviderBusyError)
        throw new LinkPageError(LINK_PAGES.silent, "Mono does not answer", { cause: error });
      throw error;
    }
  };

  app.addHook("onRequest", async (request, reply) => {
    // Nothing keeps or passes on what stands in the address.
    reply.headers({ "cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex" });
    refuseIfExceeded(await fromAddress(request));
  });
  app.setErrorHandler((error, request, reply) => {
    const page = error instanceof LinkPageError ? error.page : BROKEN;
    if (page === BROKEN || page === LINK_PAGES.silent)
      request.log.error({ err: error }, "a re-authentication link failed");
    else if (error instanceof LinkPageError)
      request.log.info({ why: error.why, status: page.status }, "a re-authentication link led nowhere");
    return show(reply, page, home);
  });
  app.get("/:account/reauth", { exposeHeadRoute: false }, async (request, reply) => {
    const tapped = await verify(request);
    if (isPrefetch(request)) return reply.code(204).send();
    if (tapped.target.standing === "connected") return show(reply, LINK_PAGES.connected, home);
    return reply.redirect(await leadOn(tapped), 303);
  });
  app.head("/:account/reauth", async (request, reply) => {
    await verify(request);
    return reply.code(200).type(HTML).send();
  });
};

const HTML = "text/html; charset=utf-8";

const BROKEN: LinkPage = { ...LINK_PAGES.silent, status: 500 };

const show = (reply: FastifyReply, page: LinkPage, home: string | null): FastifyReply =>
  reply
    .code(page.status)
    .headers(page.headers ?? {})
    .type(HTML)
    .send(renderLinkPage(page, home));

/** A browser that fetches ahead says so; whatever it gets then must not count as a tap. */
const isPrefetch = ({ headers }: FastifyRequest): boolean =>
  [headers["sec-purpose"], headers["purpose"], headers["x-purpose"], headers["x-moz"]].some(
    (word) => typeof word === "string" && /prefetch|preview/i.test(word),
  );

type Limited = { isAllowed: true } | { isAllowed: false; isExceeded: boolean; ttlInSeconds: number };

function refuseIfExceeded(limited: Limited): void {
  if (limited.isAllowed || !limited.isExceeded) return;
  const page = {
    status: 429,
    title: "Too many requests",
    text: "Please try again in a minute. The link stays good.",
    headers: { "retry-after": String(limited.ttlInSeconds) },
  };
  throw new LinkPageError(page, "too many requests");
}
