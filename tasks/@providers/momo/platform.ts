import { createHttpClient, urlUnder } from "../../@http/client.ts";
import { NotJsonError, ProviderError, RequestAbortedError, UnexpectedShapeError } from "../../@http/errors.ts";
import { fromDecimal } from "../../@sync/money.ts";
import type {
  LeasedAccount,
  OpenReference,
  Platform,
  PolledReference,
  SyncContext,
  SyncStep,
  TokenCache,
} from "../../@sync/platform.ts";
import type { MappedRow } from "../../@sync/read_window.ts";
import {
  createMomoClient,
  createMomoProvisioning,
  type MomoClient,
  type MomoWallet,
  type SubscriptionKey,
} from "./client.ts";
import { type MomoEnvironment, momoEnvironment } from "./environments.ts";
import { MomoSetupError } from "./errors.ts";
import { explainMomo } from "./explain.ts";
import { mapPayment, paymentStatus } from "./mapping.ts";
import { RenewableWallet } from "./renew_key.ts";
import { createStatementClient, MADAPI_BASE_URL, readStatementWindow } from "./statement.ts";
import type { StatementAccess, StatementClient } from "./statement.ts";

export type MomoPlatformOptions = {
  /** The app's own key, for wallets that bring none; null where every wallet must bring one. */
  subscriptionKey: string | null;
  /** Where statements are read, for wallets with the credentials for it. */
  statementBaseUrl?: string;
  deadlineMs?: number;
  tokenDeadlineMs?: number;
  maxResponseBytes?: number;
  /** The host of our own address, to which payments call back; null where it is not known. */
  callbackHost?: string | null;
};

/** How many references are told at once: what a crash in the middle of them costs. */
const REFERENCES_A_STEP = 25;

/**
 * MTN MoMo wallets. Collections cannot list transactions: it answers for the references that an app made itself, and
 * for the balance. A statement exists only for wallets whose owner has a MADAPI contract. A quiet sync of a wallet
 * whose token is cached is one request, for the balance.
 *
 * Throws InsecureUrlError.
 */
export function createMomoPlatform(options: MomoPlatformOptions): Platform {
  const {
    subscriptionKey,
    statementBaseUrl = MADAPI_BASE_URL,
    maxResponseBytes,
    deadlineMs,
    tokenDeadlineMs,
    callbackHost = null,
  } = options;
  urlUnder(statementBaseUrl, ""); // A wrong address is told now, not by every wallet's next sync.
  const http = createHttpClient(maxResponseBytes === undefined ? {} : { maxResponseBytes });
  const deadlines = {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(tokenDeadlineMs === undefined ? {} : { tokenDeadlineMs }),
  };
  const collections = createMomoClient({ http, ...deadlines });
  const statements = createStatementClient({ http, ...deadlines });
  return {
    name: "mtn_momo",
    async *sync(account, context) {
      const { wallet: linked, environment } = walletOf(account, subscriptionKey);
      const provisioning = createMomoProvisioning({ http, ...linked, ...deadlines });
      const wallet = new RenewableWallet(linked, { client: collections, provisioning, callbackHost });
      // Both sources answer for this very moment or a later one: there is no cache in between.
      const asOf = context.now().toISOString();
      yield { kind: "data_as_of", asOf };
      yield* pollReferences(collections, account, wallet, context);
      yield await readBalance(collections, wallet, asOf, context);
      yield* readStatement(statements, account, environment, statementBaseUrl, context);
    },
    explain: explainMomo,
    close: () => http.close(),
  };
}

async function* pollReferences(
  client: MomoClient,
  account: LeasedAccount,
  wallet: RenewableWallet,
  context: SyncContext,
): AsyncGenerator<SyncStep, void, void> {
  let told: ReferencesStep = noReferences();
  try {
    for (const reference of account.openReferences) {
      await pollReference(client, wallet, reference, context, told);
      if (told.polled.length === REFERENCES_A_STEP) {
        yield told;
        told = noReferences();
      }
    }
  } catch (error) {
    // What was learned before the failure is kept: none of it has to be asked again.
    if (told.polled.length > 0) yield told;
    throw error;
  }
  if (told.polled.length > 0) yield told;
}

type ReferencesStep = Extract<SyncStep, { kind: "references" }>;

const noReferences = (): ReferencesStep => ({ kind: "references", rows: [], refused: [], polled: [] });

async function pollReference(
  client: MomoClient,
  home: RenewableWallet,
  reference: OpenReference,
  context: SyncContext,
  told: ReferencesStep,
): Promise<void> {
  // A reference can be read only on the platform that created it.
  const { baseUrl, targetEnvironment, referenceId } = reference;
  const there = () => ({ ...home.current, baseUrl, targetEnvironment });
  const purpose = tokenPurpose(home.current, there());
  const tokens = context.tokens(purpose);
  let outcome: PolledReference["outcome"] = "open";
  try {
    const { zone } = environmentOf(reference.targetEnvironment);
    const payment = await withToken(
      tokens,
      () => (purpose === HOME ? home.mintToken(context) : client.mintToken(there(), context)),
      (token) => client.payment(there(), token, reference, context),
    );
    if (payment === null) {
      outcome = "unknown";
    } else {
      const row: MappedRow = mapPayment(reference, payment, zone);
      if (row.ok) told.rows.push(row.transaction);
      else told.refused.push(row.refused);
      // A payment whose amount could not be taken over is not done with, even when MTN is.
      if (row.ok && paymentStatus(payment.status) !== "pending") outcome = "settled";
    }
  } catch (error) {
    if (error instanceof RequestAbortedError || (purpose === HOME && !isAboutOneReference(error))) throw error;
    // Asked again later, on its own widening schedule: one bad reference keeps no wallet from its balance.
    told.refused.push("invalid_row");
  }
  told.polled.push({ referenceId, outcome });
}

/**
 * Answers that are about this payment rather than about the wallet, the key or MTN as a whole. (What goes wrong on
 * another platform than the wallet's own always is: MTN's old one will be switched off under references that are
 * still open there.)
 */
function isAboutOneReference(error: unknown): boolean {
  if (error instanceof UnexpectedShapeError || error instanceof NotJsonError) return error.operation === "read payment";
  if (!(error instanceof ProviderError) || error.operation !== "read payment") return false;
  return [400, 404, 409].includes(error.status) || (error.status === 500 && error.code === "INTERNAL_PROCESSING_ERROR");
}

async function readBalance(
  client: MomoClient,
  wallet: RenewableWallet,
  asOf: string,
  context: SyncContext,
): Promise<SyncStep> {
  const { amount, currency } = await withToken(
    context.tokens(HOME),
    () => wallet.mintToken(context),
    (token) => client.balance(wallet.current, token, context),
  );
  const balance = fromDecimal(amount, currency);
  if (!balance.ok) throw new UnexpectedShapeError("read balance", ["availableBalance: not an exact decimal"]);
  return { kind: "balance", amount: balance.amount, currency, asOf };
}

async function* readStatement(
  client: StatementClient,
  account: LeasedAccount,
  environment: MomoEnvironment,
  baseUrl: string,
  context: SyncContext,
): AsyncGenerator<SyncStep, void, void> {
  const access = statementAccess(account, baseUrl);
  if (access === null) return;
  const reading = { zone: environment.zone, currency: account.currency, msisdn: access.msisdn };
  for (const window of account.windows.toReversed()) {
    if (window.source !== "statement") continue;
    const fetchPage = (page: number) =>
      withToken(
        context.tokens("statement"),
        () => client.mintToken(access, context),
        (token) => client.page(access, token, window, page, context),
      );
    yield* readStatementWindow(window, fetchPage, reading);
  }
}

/**
 * Calls with the shared token; a refused token is forgotten, and a new one minted for a second and last try. Somebody
 * may have renewed the wallet's key meanwhile, which ends tokens before their hour.
 */
async function withToken<T>(
  tokens: TokenCache,
  mint: () => Promise<{ token: string; expiresInSeconds: number }>,
  call: (token: string) => Promise<T>,
): Promise<T> {
  const token = await tokens.get(mint);
  try {
    return await call(token);
  } catch (error) {
    if (!(error instanceof ProviderError) || error.status !== 401) throw error;
    await tokens.forget(token);
  }
  return call(await tokens.get(mint));
}

/** The wallet's own platform. */
const HOME = "collections";

/** MTN's two platforms know nothing of each other's tokens. */
function tokenPurpose(home: MomoWallet, wallet: MomoWallet): string {
  return wallet.baseUrl === home.baseUrl && wallet.targetEnvironment === home.targetEnvironment
    ? HOME
    : `collections ${wallet.targetEnvironment} ${wallet.baseUrl}`;
}

function walletOf(account: LeasedAccount, ours: string | null): { wallet: MomoWallet; environment: MomoEnvironment } {
  const { credentials, targetEnvironment } = account;
  if (targetEnvironment === null) throw new MomoSetupError("a target environment");
  const apiKey = credentials["momo_api_key"];
  if (apiKey === undefined) throw new MomoSetupError("an API key");
  const wallet = {
    baseUrl: account.baseUrl,
    targetEnvironment,
    apiUser: account.externalId,
    apiKey,
    subscriptionKey: subscriptionKeyOf(credentials["momo_subscription_key"], ours),
  };
  return { wallet, environment: environmentOf(targetEnvironment) };
}

function subscriptionKeyOf(wallets: string | undefined, ours: string | null): SubscriptionKey {
  if (wallets !== undefined) return { value: wallets, isOurs: false };
  if (ours !== null) return { value: ours, isOurs: true };
  throw new MomoSetupError("a subscription key");
}

function environmentOf(name: string): MomoEnvironment {
  const environment = momoEnvironment(name);
  if (environment === null) throw new MomoSetupError("a target environment that MTN lists");
  return environment;
}

function statementAccess({ credentials }: LeasedAccount, baseUrl: string): StatementAccess | null {
  const {
    madapi_client_id: clientId,
    madapi_client_secret: clientSecret,
    madapi_api_key: apiKey,
    msisdn,
  } = credentials;
  if (clientId === undefined || clientSecret === undefined || apiKey === undefined || msisdn === undefined) return null;
  return { baseUrl, clientId, clientSecret, apiKey, msisdn };
}
