import { z } from "zod";
import type { NotificationLanguage } from "../../db/queries/deliveries.ts";
import { failureKind } from "../../db/queries/runs.ts";
import type { NotificationKind } from "../@channels/channel.ts";
import type { PlatformSource } from "../@sync/platform.ts";
import type { Templates, Wording } from "./template.ts";
import { en } from "./templates/en.ts";
import { fr } from "./templates/fr.ts";

/** Every language that notifications are written in. */
export const languages: Record<NotificationLanguage, Templates> = { en, fr };

/** notifications.params, as SQL writes them: each kind the ones that its sentence needs. */
const params = z.object({
  institution: z.string().nullish(),
  newTransactions: z.number().int().nonnegative().nullish(),
  failureKind: failureKind.nullish(),
});

export type Told = { kind: NotificationKind; platform: PlatformSource; accountName: string | null; params: unknown };

/** Names are people's own and as long as they like; a title is not. */
const LONGEST_NAME = 32;

/** A notification in words, for the feed and for every push alike. Throws ZodError for params that SQL never writes. */
export function render({ kind, platform, accountName, params: given }: Told, language: NotificationLanguage): Wording {
  const { institution, newTransactions, failureKind: failure } = params.parse(given);
  return languages[language][platform][kind]({
    accountName: shorten(accountName),
    institution: shorten(institution ?? null),
    newTransactions: newTransactions ?? 0,
    failureKind: failure ?? null,
  });
}

function shorten(name: string | null): string | null {
  if (name === null) return null;
  // Whole characters as people see them: half an emoji is a question mark.
  const letters = [...new Intl.Segmenter().segment(name)].map(({ segment }) => segment);
  return letters.length <= LONGEST_NAME
    ? name
    : `${letters
        .slice(0, LONGEST_NAME - 1)
        .join("")
        .trimEnd()}…`;
}
