import { createMemoryTokens } from "../../@sync/memory_tokens.ts";
import type {
  IncomingTransaction,
  LeasedAccount,
  Platform,
  PlatformSource,
  PlatformState,
  SyncContext,
  SyncFailure,
  SyncStep,
} from "../../@sync/platform.ts";

export type TestContext = SyncContext & {
  set(instant: string): void;
  advance(seconds: number): void;
  /** Requests sent since the last time that this was asked. */
  requests(): number;
};

/** A context whose clock stands still until it is moved, with tokens of its own. */
export function testContext(instant: string, signal: AbortSignal = new AbortController().signal): TestContext {
  let at = Date.parse(instant);
  let sent = 0;
  const now = () => new Date(at);
  return {
    now,
    signal,
    permit: () => {
      sent += 1;
      return Promise.resolve();
    },
    requests() {
      const count = sent;
      sent = 0;
      return count;
    },
    tokens: createMemoryTokens(now),
    renewKey: () => Promise.resolve(null),
    set(to) {
      at = Date.parse(to);
    },
    advance(seconds) {
      at += seconds * 1000;
    },
  };
}

export function leasedAccount(platform: PlatformSource, given: Partial<LeasedAccount>): LeasedAccount {
  return {
    accountId: "00000000-0000-4000-8000-000000000001",
    runId: "1",
    epoch: 1,
    platform,
    externalId: "account-1",
    currency: "NGN",
    baseUrl: "https://provider.invalid",
    targetEnvironment: null,
    resumed: false,
    mayRefresh: true,
    state: {},
    windows: [],
    openReferences: [],
    credentials: {},
    ...given,
  };
}

/** What one call of `sync` told, and how it ended. */
export type Told = {
  steps: SyncStep[];
  failure: SyncFailure | null;
  error: unknown;
};

export async function run(platform: Platform, account: LeasedAccount, context: SyncContext): Promise<Told> {
  const steps: SyncStep[] = [];
  try {
    for await (const step of platform.sync(account, context)) steps.push(step);
  } catch (error) {
    return { steps, error, failure: await platform.explain(error, context) };
  }
  return { steps, error: null, failure: null };
}

export function kinds(steps: SyncStep[]): string[] {
  return steps.map(({ kind }) => kind);
}

export function stepsOf<K extends SyncStep["kind"]>(steps: SyncStep[], kind: K): Extract<SyncStep, { kind: K }>[] {
  return steps.filter((step): step is Extract<SyncStep, { kind: K }> => step.kind === kind);
}

export function rowsOf(steps: SyncStep[]): IncomingTransaction[] {
  return steps.flatMap((step) => (step.kind === "page" || step.kind === "references" ? step.rows : []));
}

/** The memory that the run leaves to the next one. */
export function lastState(steps: SyncStep[], before: PlatformState = {}): PlatformState {
  return steps.reduce((state, step) => (step.kind === "state" || step.kind === "suspend" ? step.state : state), before);
}
