import type { AnyVariables, TypedDocumentNode } from "@urql/core";
import { useEffect, useRef } from "react";
import { useClient } from "urql";

/** Calls back with each event of a subscription. What it brings is in the cache already. */
export function useLive<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  onEvent: (data: Data) => void,
): void {
  const client = useClient();
  const latest = useRef(onEvent);
  useEffect(() => {
    latest.current = onEvent;
  });
  const key = JSON.stringify(variables);
  const asked = useRef(variables);
  asked.current = variables;
  useEffect(() => {
    const subscription = client.subscription(document, asked.current).subscribe(({ data }) => {
      if (data !== undefined) latest.current(data);
    });
    return () => subscription.unsubscribe();
  }, [client, document, key]);
}
