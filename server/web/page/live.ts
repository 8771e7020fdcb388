import type { TypedDocumentNode } from "@urql/core";
import { useEffect, useRef } from "react";
import { useClient } from "urql";

/** Calls back with each event of a subscription. What it brings is in the cache already. */
export function useLive<Data>(
  document: TypedDocumentNode<Data, Record<string, never>>,
  onEvent: (data: Data) => void,
): void {
  const client = useClient();
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  useEffect(() => {
    const subscription = client.subscription(document, {}).subscribe(({ data }) => {
      if (data !== undefined) latest.current(data);
    });
    return () => subscription.unsubscribe();
  }, [client, document]);
}
