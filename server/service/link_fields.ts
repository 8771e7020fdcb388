import { z } from "zod";

/*
 * What is said of an account that is to be linked, whichever platform it is of. The command line holds its options to the
 * same rules (scripts/linking/fields.ts), from text.
 */

const oneLine = z.string().regex(/^[^\p{Cc}]{1,120}$/u, "must be 1 to 120 characters in one line");

export const currencyField = z.string().regex(/^[A-Z]{3}$/, "must be three capital letters, as in ISO 4217");

export const linkFields = {
  user_id: z.guid().describe("Whose account it is: the app's own id of the user"),
  account_name: oneLine.describe("What its owner calls it"),
  institution: oneLine.optional(),
  history_days: z.int().min(1).max(3660).optional().describe("How far back the first sync reads"),
};

/** What became of a link. */
export type Linked = {
  id: string;
  platform_source: "mono" | "mtn_momo";
  outcome: "linked" | "resumed" | "unchanged";
};
