import test from "ava";
import { MOMO_PRODUCTION_URL, MOMO_SANDBOX_URL } from "../../tasks/@providers/momo/environments.ts";
import { UsageError } from "../usage.ts";
import type { WalletFields } from "./fields.ts";
import { walletLinkOrRefuse } from "./wallet_link.ts";

const fields: WalletFields = {
  platform: "mtn_momo",
  userId: "a0000000-0000-4000-8000-000000000001",
  accountName: "Till",
  mtnReferenceId: "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11",
};
const unset = { baseUrl: MOMO_SANDBOX_URL, targetEnvironment: "sandbox" };

test("currency, zone and address follow from the target environment", (t) => {
  t.like(walletLinkOrRefuse(fields, unset), {
    externalId: fields.mtnReferenceId,
    targetEnvironment: "sandbox",
    currency: "EUR",
    timeZone: "Etc/UTC",
    baseUrl: MOMO_SANDBOX_URL,
  });
  t.like(walletLinkOrRefuse({ ...fields, targetEnvironment: "mtnghana" }, unset), {
    targetEnvironment: "mtnghana",
    currency: "GHS",
    timeZone: "Africa/Accra",
    baseUrl: MOMO_PRODUCTION_URL,
  });
});

test("what is said beats what is configured, and that beats what is usual", (t) => {
  const configured = { baseUrl: "https://proxy.momoapi.mtn.com", targetEnvironment: "mtnuganda" };
  t.like(walletLinkOrRefuse(fields, configured), { ...configured, currency: "UGX" });
  t.like(walletLinkOrRefuse({ ...fields, baseUrl: "https://momo.example", currency: "USD" }, configured), {
    baseUrl: "https://momo.example",
    currency: "USD",
  });
});

test("no such environment, no such address", (t) => {
  t.throws(() => walletLinkOrRefuse({ ...fields, targetEnvironment: "mtnfrance" }, unset), {
    instanceOf: UsageError,
    message: /it has sandbox, mtnbenin/,
  });
  for (const baseUrl of ["http://momo.example", "momo.example", "https://me:pw@momo.example"]) {
    const error = t.throws(() => walletLinkOrRefuse({ ...fields, baseUrl }, unset), { instanceOf: UsageError });
    t.notRegex(error?.message ?? "", /pw/);
  }
});
