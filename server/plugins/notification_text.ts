import { type FieldArgs, lambda, type Step } from "postgraphile/grafast";
import { extendSchema, gql } from "postgraphile/utils";
import { z } from "zod";
import { notificationKind, notificationLanguage } from "../../db/queries/deliveries.ts";
import { platformSource } from "../../db/queries/runs.ts";
import { render } from "../../tasks/@notifications/render.ts";
import type { Wording } from "../../tasks/@notifications/template.ts";

/**
 * What a notification says, in words: the feed shows the very sentences that a push has (tasks/@notifications), so that no
 * client needs templates of its own.
 */
export const notificationTextPlugin = extendSchema((build) => {
  const { accounts, notification_settings: settings } = build.input.pgRegistry.pgResources;
  if (accounts === undefined || settings === undefined) throw new Error("what notifications tell of is not exposed");

  const wording = ($notification: Columns, fieldArgs: FieldArgs): Step<Wording> =>
    lambda(
      {
        kind: $notification.get("kind"),
        platform: $notification.get("platform_source"),
        params: $notification.get("params"),
        accountName: accounts.get({ id: $notification.get("account_id") }).get("account_name"),
        asked: fieldArgs.getRaw("language"),
        chosen: settings.get({ user_id: $notification.get("user_id") }).get("language"),
      },
      (columns) => {
        const { asked, chosen, ...told } = row.parse(columns);
        return render(told, asked ?? chosen ?? "en");
      },
    );

  return {
    typeDefs: gql`
      extend type Notification {
        """
        A title, of at most 65 characters.
        """
        title(
          """
          Left out: the language that you chose, or English.
          """
          language: NotificationLanguage
        ): String!
        """
        What it says, in at most 160 characters.
        """
        body(
          """
          Left out: the language that you chose, or English.
          """
          language: NotificationLanguage
        ): String!
      }
    `,
    objects: {
      Notification: {
        plans: {
          title: ($notification: Columns, fieldArgs) => lambda(wording($notification, fieldArgs), ({ title }) => title),
          body: ($notification: Columns, fieldArgs) => lambda(wording($notification, fieldArgs), ({ body }) => body),
        },
      },
    },
  };
});

type Columns = Step & { get(column: string): Step };

const row = z.object({
  kind: notificationKind,
  platform: platformSource,
  /** PostGraphile hands jsonb on as its text. */
  params: z.preprocess((value): unknown => (typeof value === "string" ? JSON.parse(value) : value), z.unknown()),
  accountName: z
    .string()
    .nullish()
    .transform((name) => name ?? null),
  asked: notificationLanguage.nullish(),
  chosen: notificationLanguage.nullish(),
});
