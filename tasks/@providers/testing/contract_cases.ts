import { inspect } from "node:util";
import { isDay, parseInstant } from "../../@sync/days.ts";
import type { LeasedAccount, Platform, SyncContext, SyncStep } from "../../@sync/platform.ts";
import { lastState, rowsOf, run, type Told } from "./runs.ts";

/** A platform with an account that may be read as often as one likes. Nothing here changes anything at the provider. */
export type Subject = {
  platform: Platform;
  account: LeasedAccount;
  /** The same provider, asked with a key that is wrong. */
  wrongKey: { platform: Platform; account: LeasedAccount };
  /** The same provider, asked for an account that it does not know. */
  unknownAccount: LeasedAccount;
  /** A context for one run. Tokens are shared between the contexts of a subject. */
  context: (signal?: AbortSignal) => SyncContext;
  /** A context with no token in it yet. */
  freshContext: () => SyncContext;
  /** Lets the time pass until a suspended run may go on. */
  waitUntil: (instant: string) => Promise<void>;
  /** What must appear in no error. */
  secrets: string[];
};

/** `check` answers what is wrong, in words; nothing is right. */
export type ContractCase = { title: string; check: (subject: Subject) => Promise<string[]> };

/** Runs an account as the worker would, through every suspension to its end. */
export async function runToEnd(
  { platform, account, context, waitUntil }: Subject,
  state = account.state,
): Promise<Told> {
  const told = await run(platform, { ...account, state }, context());
  const steps = [...told.steps];
  let last = told;
  for (let end = last.steps.at(-1); end?.kind === "suspend"; end = last.steps.at(-1)) {
    await waitUntil(end.until);
    last = await run(platform, { ...account, resumed: true, state: end.state }, context());
    steps.push(...last.steps);
  }
  return { ...last, steps };
}

/** What holds of every platform, at its simulator as at the provider itself. */
export const contractCases: ContractCase[] = [
  {
    title: "a run succeeds, and every step is well formed",
    async check(subject) {
      const { steps, failure } = await runToEnd(subject);
      if (failure !== null) return [`it failed: ${failure.kind}, ${failure.message} (${failure.code})`];
      return steps.flatMap((step) => faultsOf(step, subject.account));
    },
  },
  {
    title: "a second run tells the same rows",
    async check(subject) {
      const first = await runToEnd(subject);
      const second = await runToEnd(subject, lastState(first.steps));
      const failure = first.failure ?? second.failure;
      if (failure !== null) return [`it failed: ${failure.kind}, ${failure.message}`];
      const [before, after] = [first, second].map(({ steps }) => new Map(rowsOf(steps).map((row) => [row.id, row])));
      if (before === undefined || after === undefined) return ["it told nothing"];
      const changed = [...before].filter(([id, row]) => JSON.stringify(after.get(id)) !== JSON.stringify(row)).length;
      return changed === 0 ? [] : [`${changed} of ${before.size} rows came back differently or not at all`];
    },
  },
  {
    title: "a wrong key is known for what it is, and shown nowhere",
    async check(subject) {
      const { platform, account } = subject.wrongKey;
      const { steps, failure, error } = await run(platform, account, subject.freshContext());
      if (failure === null) return ["it was accepted"];
      const problems = rowsOf(steps).length === 0 ? [] : ["it was given rows"];
      if (failure.kind !== "configuration" && failure.kind !== "auth_required")
        problems.push(`it was told as ${failure.kind}`);
      return [...problems, ...secretsIn([error, failure], subject.secrets)];
    },
  },
  {
    title: "an account that the provider does not know is no success",
    async check(subject) {
      const { failure, error } = await run(subject.platform, subject.unknownAccount, subject.freshContext());
      if (failure === null) return ["it succeeded"];
      const isRight = failure.kind === "account_gone" || failure.kind === "auth_required";
      return [...(isRight ? [] : [`it was told as ${failure.kind}`]), ...secretsIn([error, failure], subject.secrets)];
    },
  },
  {
    title: "a run that we stop is interrupted",
    async check(subject) {
      const { failure } = await run(subject.platform, subject.account, subject.context(AbortSignal.abort()));
      return failure?.kind === "interrupted" ? [] : [`it was told as ${failure?.kind ?? "a success"}`];
    },
  },
];

/** Where a secret can be read in something that may be logged. */
export function secretsIn(things: unknown[], secrets: string[]): string[] {
  const text = things.map((thing) => inspect(thing, { depth: 12, showHidden: true })).join("\n");
  return secrets
    .filter((secret) => secret !== "" && text.includes(secret))
    .map((secret) => `it shows ${secret.slice(0, 4)}…`);
}

const DECIMAL = /^-?\d+(\.\d+)?$/;

function faultsOf(step: SyncStep, account: LeasedAccount): string[] {
  switch (step.kind) {
    case "balance":
      return DECIMAL.test(step.amount) && parseInstant(step.asOf) === step.asOf ? [] : ["a balance is not exact"];
    case "data_as_of":
      return parseInstant(step.asOf) === step.asOf ? [] : ["data-as-of is no instant"];
    case "page": {
      const ids = step.rows.map(({ id }) => id);
      const problems = new Set(ids).size === ids.length ? [] : ["an id is twice on a page"];
      if (step.rows.some(({ occurredOn }) => occurredOn < step.window.from || occurredOn > step.window.to)) {
        problems.push("a row is outside its window");
      }
      if (step.complete !== null && !ids.every((id) => step.complete?.ids.includes(id))) {
        problems.push("a told row is missing among the window's ids");
      }
      return [...problems, ...rowFaults(step, account)];
    }
    case "references":
      return rowFaults(step, account);
    case "state":
    case "suspend":
      return Object.values(step.state).every((value) => value === null || typeof value !== "object")
        ? []
        : ["state is not flat"];
  }
}

function rowFaults(
  { rows }: Pick<Extract<SyncStep, { kind: "page" | "references" }>, "rows">,
  account: LeasedAccount,
): string[] {
  return rows.flatMap((row) => [
    ...(row.id === "" ? ["a row has no id"] : []),
    ...(DECIMAL.test(row.amount) && !row.amount.startsWith("-") ? [] : ["an amount is not exact"]),
    ...(row.balanceAfter === null || DECIMAL.test(row.balanceAfter) ? [] : ["a balance after a row is not exact"]),
    ...(row.currency === account.currency ? [] : [`a row is in ${row.currency}`]),
    ...(isDay(row.occurredOn) && parseInstant(row.occurredAt) === row.occurredAt ? [] : ["a row has no moment"]),
  ]);
}
