/** Control actions on wallets: what MTN's Partner Portal does by hand in production, and what befalls credentials. */
import { z } from "zod";
import { randomFor, uuidFor } from "../random.ts";
import { addDays, environment, isDay, isEnvironment, localDay } from "./environment.ts";
import { type StatementCredentials, statementCredentials } from "./madapi.ts";
import { makeApiKey } from "./provisioning.ts";
import { NotPossible, walletOf, UnknownThing } from "./state.ts";
import type { Platform, World } from "./world.ts";

const decimal = z.string().regex(/^\d{1,30}(\.\d{1,6})?$/);

/** All may be left out. */
export const walletOptionsSchema = z.strictObject({
  /** `uuid` as in the sandbox; `system`: base64 ending in `=`, as the new platform's System Credentials are. */
  credentials: z.enum(["uuid", "system"]).optional(),
  /** One of the app's own, or another; the app's primary key unless told. */
  subscriptionKey: z.string().min(1).optional(),
  targetEnvironment: z.string().refine(isEnvironment, "no such target environment").optional(),
  /** The environment's own unless told. */
  currency: z.string().optional(),
  /** The platforms on which the credentials work, the one of the wallet's base URL first. */
  platforms: z.array(z.string()).min(1).optional(),
  callbackHost: z.string().optional(),
  /** What the wallet holds at its creation. */
  balance: decimal.optional(),
  msisdn: z
    .string()
    .regex(/^\d{8,15}$/)
    .optional(),
  holderName: z.string().optional(),
  /** The invented statement. false: only what is posted and paid. `from` is 120 days ago unless told. */
  history: z
    .union([
      z.literal(false),
      z.strictObject({ from: z.string().refine(isDay).optional(), rowsPerDay: z.number().int().min(1).optional() }),
    ])
    .optional(),
});

export type WalletOptions = z.infer<typeof walletOptionsSchema>;

export type WalletCredentials = {
  apiUser: string;
  apiKey: string;
  subscriptionKey: string;
  targetEnvironment: string;
  currency: string;
  platform: string;
  baseUrl: string;
  msisdn: string;
  statement: StatementCredentials & { url: string };
};

const HISTORY_DAYS = 120;
const ROWS_PER_DAY = 3;

export type WalletControls = {
  createWallet(options?: WalletOptions): WalletCredentials;
  /** The stored key dies: its next token is refused with 401, tokens already had live on. */
  rotateKey(apiUser: string): { apiKey: string };
  /** Credentials and tokens die, or live again. */
  revoke(apiUser: string, revoked?: boolean): void;
  /** Every token that was given out is refused from now on. */
  endTokens(apiUser: string): void;
  /** The platforms on which the credentials work from now on. */
  openOn(apiUser: string, platforms: string[]): void;
  /** The statement contract's secret changes: the old one gets no more tokens. */
  rotateStatementSecret(): StatementCredentials;
};

/** Where the simulator answers, once it does. */
export type Addresses = { baseUrl(platform: string): string; statementUrl(): string };

export function walletControls(world: World, platforms: Platform[], addresses: Addresses): WalletControls {
  const now = (): number => world.clock.now();
  const knownPlatforms = (names: string[]): string[] => {
    const unknown = names.find((name) => !platforms.some((platform) => platform.name === name));
    if (unknown !== undefined) throw new UnknownThing(`no platform ${unknown}`);
    return names;
  };
  return {
    createWallet(given = {}) {
      const options = walletOptionsSchema.parse(given);
      const { seed, state } = world;
      const ordinal = state.wallets.size + 1;
      const targetEnvironment = options.targetEnvironment ?? "sandbox";
      const { currency, prefix } = environment(targetEnvironment);
      const random = randomFor(seed, "wallet", ordinal);
      const uuid = uuidFor(seed, "api user", ordinal);
      const wanted = knownPlatforms(options.platforms ?? platforms.slice(0, 1).map(({ name }) => name));
      const subscriptionKey = options.subscriptionKey ?? world.subscriptionKeys[0] ?? "";
      const msisdn = options.msisdn ?? `${prefix}7${random.int(10_000_000, 99_999_999)}`;
      if (state.wallets.values().some((wallet) => wallet.msisdn === msisdn)) {
        throw new NotPossible("another wallet has this msisdn");
      }
      const apiUser = options.credentials === "system" ? systemUserId(uuid) : uuid;
      const today = localDay(targetEnvironment, now());
      world.record({
        kind: "wallet_created",
        at: now(),
        apiUser,
        subscriptionKeys: world.subscriptionKeys.includes(subscriptionKey) ? world.subscriptionKeys : [subscriptionKey],
        environment: targetEnvironment,
        currency: options.currency ?? currency,
        callbackHost: options.callbackHost ?? null,
        platforms: wanted,
        balance: options.balance ?? "250000",
        msisdn,
        holderName: options.holderName ?? random.pick(["Corner Shop", "Ama Boateng", "Kiosk 12", "Joseph Okello"]),
        history:
          options.history === false
            ? null
            : {
                from: options.history?.from ?? addDays(today, -HISTORY_DAYS),
                rowsPerDay: options.history?.rowsPerDay ?? ROWS_PER_DAY,
              },
      });
      const wallet = walletOf(world.state, apiUser);
      const [platform = ""] = wanted;
      return {
        apiUser,
        apiKey: makeApiKey(world, wallet, true),
        subscriptionKey,
        targetEnvironment,
        currency: wallet.currency,
        platform,
        baseUrl: addresses.baseUrl(platform),
        msisdn,
        statement: { url: addresses.statementUrl(), ...statementCredentials(world) },
      };
    },
    rotateKey: (apiUser) => ({ apiKey: makeApiKey(world, walletOf(world.state, apiUser), true) }),
    revoke(apiUser, revoked = true) {
      world.record({ kind: "wallet_revoked", at: now(), apiUser: walletOf(world.state, apiUser).apiUser, revoked });
    },
    endTokens(apiUser) {
      world.record({ kind: "tokens_ended", at: now(), apiUser: walletOf(world.state, apiUser).apiUser });
    },
    openOn(apiUser, names) {
      const wallet = walletOf(world.state, apiUser);
      world.record({ kind: "wallet_opened_on", at: now(), apiUser: wallet.apiUser, platforms: knownPlatforms(names) });
    },
    rotateStatementSecret() {
      world.record({ kind: "secret_rotated", at: now() });
      return statementCredentials(world);
    },
  };
}

/** 32 bytes would end without a padding sign; 35 characters of the id end with one. */
function systemUserId(uuid: string): string {
  return Buffer.from(uuid.slice(0, 35)).toString("base64");
}
