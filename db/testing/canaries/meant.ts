/** Where a canary may be, and why. Everywhere else it is a finding, also in a column that nobody has thought of. */

import type { Canary, CanaryKind } from "./catalogue.ts";

type Meant = { kinds: CanaryKind[]; why: string };

/** Columns, as `schema.table.column`. */
export const meantColumns: Record<string, Meant> = {
  "app_public.transactions.counterparty": { kinds: ["phone number"], why: "whom its owner paid, or was paid by" },
  "app_public.transaction_revisions.counterparty": {
    kinds: ["phone number"],
    why: "the same, before it was corrected",
  },
};

/** What a test file's processes may print or answer. */
export const meantOutput: (Meant & { file: string; source: RegExp })[] = [
  {
    file: "scripts/simulators.test.ts",
    source: /scripts\/simulators\.ts$/,
    kinds: ["secret"],
    why: "npm run simulators tells whoever started it with which keys to ask them",
  },
  {
    file: "scripts/psql.test.ts",
    source: /scripts\/psql\.ts/,
    kinds: ["secret"],
    why: "where there is no psql, npm run psql tells the address for another client, its password included",
  },
  {
    file: "scripts/postgres/embedded.full.test.ts",
    source: /--eval/,
    kinds: ["secret"],
    why: "the process that is killed tells its test the address of its Postgres",
  },
  {
    file: "scripts/soak/mutations.full.test.ts",
    source: /^a title/,
    kinds: ["phone number"],
    why: "a planted bug is told by the row that it broke",
  },
  {
    file: "scripts/linking/secrets.test.ts",
    source: /^a title/,
    kinds: ["secret", "phone number"],
    why: "named for what a person typed by mistake, and what nothing else may repeat",
  },
  {
    file: "scripts/postgres/connection_url.test.ts",
    source: /^a title/,
    kinds: ["secret"],
    why: "named for the made-up address that is taken apart",
  },
];

export function isMeant(file: string, source: string, { kind }: Canary): boolean {
  return meantOutput.some((meant) => meant.file === file && meant.source.test(source) && meant.kinds.includes(kind));
}
