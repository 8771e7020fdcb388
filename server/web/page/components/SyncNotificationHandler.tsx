import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useMutation, useQuery } from "urql";
import { useNow } from "../clock.ts";
import {
  FeedDocument,
  MarkNotificationsReadDocument,
  type NotificationPartsFragment,
  NotificationsArriveDocument,
} from "../graphql/operations.ts";
import { useLive } from "../live.ts";
import { useSpeech } from "../words/language.tsx";
import { NotificationSettings } from "./NotificationSettings.tsx";

/** A toast stays long enough to be read twice; in the feed it stays for good. */
const TOAST_MS = 12_000;

/** The bell with its feed, and a toast for what arrives while the page is open. */
export function SyncNotificationHandler({ onShow }: { onShow: (accountId: string) => void }): ReactNode {
  const { words, language } = useSpeech();
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const [toast, setToast] = useState<NotificationPartsFragment | null>(null);
  const [{ data }, ask] = useQuery({ query: FeedDocument, variables: { language } });
  const [, markRead] = useMutation(MarkNotificationsReadDocument);
  useLive(NotificationsArriveDocument, { language }, ({ newNotification }) => {
    setToast(newNotification.notification);
    ask({ requestPolicy: "network-only" });
  });
  useEffect(() => {
    if (toast === null) return;
    const timer = setTimeout(() => setToast(null), TOAST_MS);
    return () => clearTimeout(timer);
  }, [toast]);

  const unread = data?.unreadNotifications ?? 0;
  const feed = data?.notifications.nodes ?? [];
  const show = (accountId: string | null): void => {
    panel.current?.hidePopover();
    setToast(null);
    if (accountId !== null) onShow(accountId);
  };

  return (
    <>
      <button type="button" className="bell" popoverTarget={`${id}-feed`} aria-label={words.notifications.open(unread)}>
        <svg viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
          <path d="M4.5 14.5c1-1.3 1.3-2.7 1.3-5.3a4.2 4.2 0 0 1 8.4 0c0 2.6.3 4 1.3 5.3ZM8.3 17a1.8 1.8 0 0 0 3.4 0" />
        </svg>
        {unread > 0 && (
          <span className="bell-count" aria-hidden="true">
            {unread > 9 ? "9+" : unread}
          </span>
        )}
      </button>
      <div ref={panel} id={`${id}-feed`} popover="auto" className="feed" role="dialog" aria-labelledby={`${id}-title`}>
        <div className="feed-head">
          <h2 id={`${id}-title`}>{words.notifications.title}</h2>
          {unread > 0 && (
            <button type="button" className="button button-plain" onClick={() => void markRead({})}>
              {words.notifications.markRead}
            </button>
          )}
        </div>
        {feed.length === 0 ? (
          <p className="quiet">{words.notifications.none}</p>
        ) : (
          <ul>
            {feed.map((notification) => (
              <Entry key={notification.id} notification={notification} onShow={show} />
            ))}
          </ul>
        )}
        <NotificationSettings />
      </div>
      <div className="toasts" role="status">
        {toast !== null && (
          <div className="toast">
            <p lang={language}>
              <strong>{toast.title}</strong> {toast.body}
            </p>
            {toast.accountId !== null && (
              <button type="button" className="button button-plain" onClick={() => show(toast.accountId)}>
                {words.notifications.show}
              </button>
            )}
            <button type="button" className="button button-plain" onClick={() => setToast(null)}>
              {words.notifications.dismiss}
            </button>
          </div>
        )}
      </div>
    </>
  );
}

function Entry({
  notification,
  onShow,
}: {
  notification: NotificationPartsFragment;
  onShow: (accountId: string | null) => void;
}): ReactNode {
  const { formats } = useSpeech();
  const now = useNow();
  return (
    <li className={notification.readAt === null ? "is-unread" : ""}>
      <button type="button" onClick={() => onShow(notification.accountId)}>
        <span className="feed-title">{notification.title}</span>
        <span>{notification.body}</span>
        <time dateTime={notification.createdAt} className="quiet">
          {formats.ago(notification.createdAt, now)}
        </time>
      </button>
    </li>
  );
}
