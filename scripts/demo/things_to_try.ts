import { UsageError } from "../usage.ts";
import type { RunningAccount, RunningDemo } from "./running_demo.ts";

/** Something that befalls an account at its provider, and what to look at afterwards. */
export type ThingToTry = {
  /** What is done, in half a sentence. */
  what: string;
  /** Whom it is about when nobody is named: the first of these. */
  candidates(accounts: RunningAccount[]): RunningAccount[];
  /** Does it, and answers what to tell: what happened, and what to look for. */
  run(demo: RunningDemo, account: RunningAccount): Promise<string[]>;
};

/** Mono asks a bank at most so often (Mono docs, realtime-data). */
const SESSION_MS = 5 * 60_000;
const DAY_MS = 86_400_000;

/** The lateness that a sync of its usual overlap finds. */
const LATE_DAYS = 2;

const banks = (accounts: RunningAccount[]) => accounts.filter(({ platform }) => platform === "mono");
const wallets = (accounts: RunningAccount[]) => accounts.filter(({ platform }) => platform === "mtn_momo");
const path = ({ externalId }: RunningAccount, rest: string) => `/accounts/${encodeURIComponent(externalId)}${rest}`;
const walletPath = ({ externalId }: RunningAccount, rest: string) =>
  `/wallets/${encodeURIComponent(externalId)}${rest}`;

/** When a bank is asked again, if that is not at once. */
function refreshNote({ refreshedAt, now }: RunningAccount): string[] {
  const next = refreshedAt === null ? 0 : Date.parse(refreshedAt) + SESSION_MS;
  if (next <= now.getTime()) return [];
  const time = new Date(next).toLocaleTimeString("en-GB");
  return [`Mono asks a bank at most every five minutes: a sync before ${time} reads what it has.`];
}

const again = (account: RunningAccount, command: string): string => `npm run demo -- ${command} ${account.id}`;

export const thingsToTry: Readonly<Record<string, ThingToTry>> = {
  "expire-consent": {
    what: "a bank's consent ends: its owner is told once, and can renew it",
    candidates: (accounts) => [...banks(accounts).filter(({ status }) => status === "active"), ...banks(accounts)],
    async run(demo, account) {
      await demo.atProvider("mono", path(account, "/consent"), { expired: true, announce: true });
      const answer = await demo.requestSync(account);
      const link = await demo.reauthenticationLink(account);
      return [
        `The consent has ended, and Mono says so by a webhook. As for a sync: ${answer}.`,
        `See it:    ${demo.connection.serverUrl}/ and its notifications, or select * from app_public.notifications;`,
        ...(link === null ? [] : [`Renew it:  open the notification's link, ${link}`]),
        `           or let it be done: ${again(account, "renew-consent")}`,
      ];
    },
  },
  "renew-consent": {
    what: "its owner logs in at the bank again, as on Mono's page",
    candidates: (accounts) => [
      ...banks(accounts).filter(({ status }) => status === "auth_required"),
      ...banks(accounts),
    ],
    async run(demo, account) {
      await demo.atProvider("mono", path(account, "/consent"), { expired: false });
      return ["The consent was renewed. Mono's two webhooks bring the account back, and the gap is filled at once."];
    },
  },
  "late-posting": {
    what: `a transaction of ${LATE_DAYS} days ago appears only now`,
    candidates: (accounts) => [...accounts.filter(({ hasStatement }) => hasStatement), ...banks(accounts)],
    async run(demo, account) {
      const date = new Date(account.now.getTime() - LATE_DAYS * DAY_MS).toISOString();
      if (account.platform === "mono") {
        const posting = { amount: "9995", type: "credit", narration: "LATE PAYER", date };
        await demo.atProvider("mono", path(account, "/transactions"), posting);
      } else if (account.hasStatement) {
        const row = { direction: "credit", amount: "99.95", occurredAt: date, counterpartyName: "Late Payer" };
        await demo.atProvider("mtn_momo", walletPath(account, "/rows"), row);
      } else {
        throw new UsageError(`${account.name} has no statement: what happens there, only tracked references tell.`);
      }
      await demo.syncNow(account);
      return [
        `A credit of 99.95 dated ${date.slice(0, 10)} was posted, and the account is synced now.`,
        ...(account.platform === "mono" ? refreshNote(account) : []),
        `See it:    select occurred_on, amount, first_seen_at from app_public.transactions where occurred_on = '${date.slice(0, 10)}' order by first_seen_at desc limit 1;`,
      ];
    },
  },
  "bank-down": {
    what: "a bank cannot be reached through Mono: syncs fail, and nobody is asked to log in for it",
    candidates: banks,
    async run(demo, account) {
      await demo.atProvider("mono", `/institutions/${encodeURIComponent(account.institution)}`, { down: true });
      await demo.syncNow(account);
      return [
        `${account.institution} is down, and the account is synced now.`,
        ...refreshNote(account),
        `See it:    select * from app_public.sync_logs where account_id = '${account.id}' order by id desc limit 3;`,
        `Mend it:   ${again(account, "bank-up")}`,
      ];
    },
  },
  "bank-up": {
    what: "it is back",
    candidates: banks,
    async run(demo, account) {
      await demo.atProvider("mono", `/institutions/${encodeURIComponent(account.institution)}`, { down: false });
      await demo.syncNow(account);
      return [`${account.institution} is back, and the account is synced now.`, ...refreshNote(account)];
    },
  },
  "slow-provider": {
    what: "a bank takes 40 seconds to answer: the run waits without a worker",
    candidates: banks,
    async run(demo, account) {
      await demo.atProvider("mono", path(account, "/realtime"), { durationMs: 40_000 });
      await demo.syncNow(account);
      return [
        "From now on a refresh of this account takes 40 seconds; it is synced now.",
        ...refreshNote(account),
        `Mend it:   ${again(account, "quick-provider")}`,
      ];
    },
  },
  "quick-provider": {
    what: "it answers at once again",
    candidates: banks,
    async run(demo, account) {
      await demo.atProvider("mono", path(account, "/realtime"), { durationMs: 0 });
      return ["A refresh of this account takes no time any more."];
    },
  },
  "rotate-key": {
    what: "a wallet's key is replaced at MTN: Tidemark makes itself another, in the sandbox",
    candidates: wallets,
    async run(demo, account) {
      await demo.atProvider("mtn_momo", walletPath(account, "/rotate-key"), {});
      await demo.atProvider("mtn_momo", walletPath(account, "/end-tokens"), {});
      await demo.syncNow(account);
      return [
        "The stored key is refused from now on, and the wallet is synced now: nobody is asked for anything.",
        `See it:    select updated_at from app_private.credentials where account_id = '${account.id}' and kind = 'momo_api_key';`,
      ];
    },
  },
  "revoke-wallet": {
    what: "a wallet's API user is revoked: only its owner can help",
    candidates: wallets,
    async run(demo, account) {
      await demo.atProvider("mtn_momo", walletPath(account, "/revoke"), { revoked: true });
      await demo.atProvider("mtn_momo", walletPath(account, "/end-tokens"), {});
      await demo.syncNow(account);
      return [
        "MTN knows the wallet no more, and it is synced now: its owner is told once.",
        `See it:    ${demo.connection.serverUrl}/ and its notifications`,
        `Mend it:   ${again(account, "restore-wallet")}`,
      ];
    },
  },
  "restore-wallet": {
    what: "it is known again",
    candidates: (accounts) => [
      ...wallets(accounts).filter(({ status }) => status === "auth_required"),
      ...wallets(accounts),
    ],
    async run(demo, account) {
      await demo.atProvider("mtn_momo", walletPath(account, "/revoke"), { revoked: false });
      await demo.syncNow(account);
      return ["MTN knows the wallet again, and it is synced now."];
    },
  },
};
