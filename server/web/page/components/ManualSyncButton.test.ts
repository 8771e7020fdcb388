import test from "ava";
import { createElement } from "react";
import type { Account, SyncState } from "../account_status.ts";
import type { Language } from "../words/language.tsx";
import { accountIn, state } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { ManualSyncButton } from "./ManualSyncButton.tsx";

const html = (fields: Partial<SyncState>, of: Partial<Account> = {}, language: Language = "en"): string =>
  rendered(createElement(ManualSyncButton, { account: accountIn(fields, of), state: { ...state, ...fields } }), {
    language,
  });

const isPressable = (drawn: string): boolean => drawn.includes('aria-disabled="false"');

test("it says which account and by which platform", (t) => {
  t.is(textOf(html({})), "Sync now : Salary, via Mono");
  t.is(textOf(html({}, { platformSource: "mtn_momo" })), "Sync now : Salary, via MTN MoMo API");
});

test("it can be pressed where a sync would begin, and says why where not", (t) => {
  for (const phase of ["up_to_date", "never_synced", "retrying"] as const) t.true(isPressable(html({ phase })), phase);
  const coolingDown = { coolingDownUntil: "2026-03-10T13:05:00Z" };
  for (const [fields, label] of [
    [{ phase: "queued" }, "In line"],
    [{ phase: "running" }, "Syncing…"],
    [{ phase: "waiting" }, "Waiting…"],
    [coolingDown, "Again at 14:05"],
    [{ phase: "retrying", ...coolingDown }, "Again at 14:05"],
    [{ phase: "provider_down", providerDownUntil: "2026-03-10T11:30:00Z" }, "Again at 12:30"],
  ] as const) {
    t.true(textOf(html(fields)).startsWith(label), label);
    t.false(isPressable(html(fields)), label);
  }
  t.regex(textOf(html(coolingDown, {}, "fr")), /14:05/);
});

test("a cooldown that is over, and a provider that is asked again, hold nobody up", (t) => {
  const past = "2026-03-10T11:09:59Z";
  t.true(isPressable(html({ coolingDownUntil: past })));
  t.true(isPressable(html({ phase: "provider_down", providerDownUntil: past })));
});

test("it is not there where another button mends the link, or nothing would come of it", (t) => {
  for (const phase of ["needs_you", "paused", "unlinked"] as const) t.is(html({ phase }), "", phase);
});
