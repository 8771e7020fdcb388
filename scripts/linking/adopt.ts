import type { Pool } from "pg";
import { matchLink } from "../../db/queries/links.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import type { NewLink } from "../../tasks/@linking/link_new_account.ts";
import type { WalletDefaults } from "../../tasks/@linking/wallet_link.ts";
import { UsageError } from "../usage.ts";
import { bankLinkOrRefuse, type MonoAccess } from "./bank_link.ts";
import type { CsvLine } from "./csv.ts";
import { linkOrRefuse } from "./link_account.ts";
import { type SecretKind, statementKinds, usableSecret } from "./secrets.ts";
import { walletLinkOrRefuse } from "./wallet_link.ts";

export type Adoption = { linked: number; known: number; refused: number };

type Means = {
  db: Pool;
  keyring: Keyring;
  /** Null without a key for Mono. */
  mono: MonoAccess | null;
  defaults: WalletDefaults;
  /** Where the secrets are that the lines name. */
  variables: Record<string, string | undefined>;
  tell: { linked: (sentence: string) => void; refused: (sentence: string) => void };
};

/**
 * Links every good line of a CSV file and tells of each line what became of it. An account that is linked already is
 * left alone, so that the same file can be handed in again once its refused lines are mended.
 */
export async function adoptLines(lines: readonly CsvLine[], means: Means): Promise<Adoption> {
  const adoption: Adoption = { linked: 0, known: 0, refused: 0 };
  for (const line of lines) {
    const refuse = (problem: string): void => {
      adoption.refused += 1;
      means.tell.refused(`line ${line.line}: refused: ${problem}`);
    };
    if (!line.ok) {
      refuse(line.problems.join("; "));
      continue;
    }
    try {
      const { accountId, isNew } = await adoptLine(line, means);
      if (isNew) adoption.linked += 1;
      else adoption.known += 1;
      means.tell.linked(`line ${line.line}: ${isNew ? "linked" : "was linked already"}: account ${accountId}`);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      refuse(error.message);
    }
  }
  return adoption;
}

async function adoptLine(line: CsvLine & { ok: true }, means: Means): Promise<{ accountId: string; isNew: boolean }> {
  const { fields } = line;
  const externalId = fields.platform === "mono" ? fields.monoAccountId : fields.mtnReferenceId;
  const { userId, platform } = fields;
  const known = await matchLink(means.db, { userId, platform, externalId, identity: null });
  if (known !== null) return { accountId: known, isNew: false };
  const { accountId } = await linkOrRefuse(means.db, means.keyring, await linkOf(line, means));
  return { accountId, isNew: true };
}

async function linkOf({ fields, secretVariables }: CsvLine & { ok: true }, means: Means): Promise<NewLink> {
  if (fields.platform === "mono") {
    // A question for each of thousands of lines is asked only where the file leaves something open that must be known.
    const { mono } = means;
    const details = mono !== null && fields.currency === undefined ? await mono.describe(fields.monoAccountId) : null;
    return bankLinkOrRefuse(fields, details);
  }
  return {
    ...walletLinkOrRefuse(fields, means.defaults),
    statement: statementKinds.every((kind) => secretVariables[kind] !== undefined),
    credentials: secretsOf(secretVariables, means.variables),
  };
}

function secretsOf(named: Partial<Record<SecretKind, string>>, variables: Means["variables"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(named).map(([kind, variable]) => {
      const secret = usableSecret(variables[variable] ?? "");
      if (secret === undefined) throw new UsageError(`the variable that ${kind}_env names is not set, or not one word`);
      return [kind, secret];
    }),
  );
}

/** "3 linked, 1 was linked already, 2 refused." */
export function summaryOf({ linked, known, refused }: Adoption): string {
  const parts = [`${linked} linked`];
  if (known > 0) parts.push(`${known} linked already, left as they are`);
  parts.push(`${refused} refused`);
  return `${parts.join(", ")}.`;
}
