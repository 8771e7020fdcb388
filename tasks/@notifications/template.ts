import type { NotificationKind } from "../@channels/channel.ts";
import type { FailureKind, PlatformSource } from "../@sync/platform.ts";

/** What a sentence may name. */
export type Subject = {
  /** The account's nickname; null: the notification is about a platform. */
  accountName: string | null;
  /** The bank that is down; null: the platform itself. */
  institution: string | null;
  /** Transactions that came with the recovery. */
  newTransactions: number;
  /** What an account keeps failing of. */
  failureKind: FailureKind | null;
};

/** A notification in words: a title of at most 65 characters and a body of at most 160, since phones cut off what is longer. */
export type Wording = { title: string; body: string };

/** What one language says: a kind or a platform that lacks words in any of them does not compile. */
export type Templates = Record<PlatformSource, Record<NotificationKind, (subject: Subject) => Wording>>;
