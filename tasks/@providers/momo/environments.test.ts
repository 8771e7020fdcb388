import test from "ava";
import { dayIn } from "../../@sync/days.ts";
import { minorDigits } from "../../@sync/money.ts";
import { momoEnvironment, momoEnvironmentNames } from "./environments.ts";

test("every environment has a zone that exists, a currency and an address over TLS", (t) => {
  t.is(momoEnvironmentNames.length, 15);
  for (const name of momoEnvironmentNames) {
    const environment = momoEnvironment(name);
    if (environment === null) return t.fail(name);
    t.notThrows(() => dayIn(environment.zone, new Date()), name);
    t.not(minorDigits(environment.currency), null);
    t.true(environment.baseUrl.startsWith("https://"));
  }
});

test("a name that MTN does not list is no environment", (t) => {
  for (const name of ["", "production", "mtnatlantis", "constructor"]) t.is(momoEnvironment(name), null);
});
