import { mock } from "node:test";
import { createElement, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import { Client, createRequest, ssrExchange, type TypedDocumentNode } from "@urql/core";
import { Provider } from "urql";
import { refreshClock } from "../clock.ts";
import { SessionContext } from "../session_context.ts";
import { type Language, Speaking } from "../words/language.tsx";
import { now, speech } from "./accounts.ts";

/** What the API has answered. */
export type Answered = { key: number; data: string };

export const answered = <Data, Variables extends Record<string, unknown>>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  data: Data,
): Answered => ({ key: createRequest(document, variables).key, data: JSON.stringify(data) });

/**
 * What a component shows at first, as HTML without React's own marks: to somebody signed in, at the moment `now`, after
 * these answers. What taps do is tested in a browser, scripts/browser.
 */
export function rendered(
  node: ReactNode,
  { language = "en", answers = [] }: { language?: Language; answers?: readonly Answered[] } = {},
): string {
  const client = new Client({
    url: "http://localhost/never-asked",
    preferGetMethod: false,
    exchanges: [
      ssrExchange({
        isClient: true,
        initialState: Object.fromEntries(answers.map(({ key, data }) => [String(key), { data }])),
      }),
    ],
  });
  mock.timers.enable({ apis: ["Date"], now });
  try {
    refreshClock();
    const spoken = createElement(Speaking, { speech: speech(language), children: node });
    const provided = createElement(Provider, { value: client, children: spoken });
    return renderToStaticMarkup(createElement(SessionContext, { value: session, children: provided }));
  } finally {
    mock.timers.reset();
  }
}

const session = { token: "a.b.c", userId: "50e00000-0000-4000-8000-000000000001", name: "Ada" };

export const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll("&#x27;", "'")
    .replaceAll("&amp;", "&")
    .trim();
