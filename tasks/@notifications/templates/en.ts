import type { Templates } from "../template.ts";

const plural = new Intl.PluralRules("en");

const news = (count: number): string => {
  if (count === 0) return "nothing new meanwhile";
  return plural.select(count) === "one" ? `${count} new transaction` : `${count} new transactions`;
};

/** English. */
export const en: Templates = {
  mono: {
    reauth_required: ({ accountName }) => ({
      title: `Reconnect ${accountName ?? "your account"}`,
      body: "Your bank wants you to renew your consent, so Mono can no longer update this account. Tap to reconnect; it takes a minute.",
    }),
    reauth_reminder: ({ accountName }) => ({
      title: `${accountName ?? "Your account"} is still disconnected`,
      body: "It has not been updated via Mono since its consent ended. Tap to reconnect; what was missed is filled in.",
    }),
    recovered: ({ accountName, newTransactions }) => ({
      title: `${accountName ?? "Your account"} is up to date`,
      body: `All good, ${news(newTransactions)}. Synced via Mono.`,
    }),
    sync_failing: ({ accountName, failureKind }) => ({
      title: `${accountName ?? "Your account"} is not being updated`,
      body:
        failureKind === "account_gone"
          ? "Mono no longer knows this account. Unlink it and link it again to go on; what is stored stays."
          : "Updates via Mono have been failing for a while. We keep trying and fill in what was missed. You need do nothing.",
    }),
    provider_down: ({ institution }) => ({
      title: `${institution ?? "Mono"} cannot be reached`,
      body: "Updates via Mono pause until it is back, and then fill in what was missed. You need do nothing.",
    }),
    provider_recovered: ({ institution }) => ({
      title: `${institution ?? "Mono"} is back`,
      body: "Your accounts are being updated via Mono again.",
    }),
  },
  mtn_momo: {
    reauth_required: ({ accountName }) => ({
      title: `${accountName ?? "Your wallet"} needs a new key`,
      body: "The MTN MoMo API no longer accepts this wallet's key, so it cannot be updated. Tap to set it up again.",
    }),
    reauth_reminder: ({ accountName }) => ({
      title: `${accountName ?? "Your wallet"} still needs a new key`,
      body: "It has not been updated via the MTN MoMo API since its key was refused. Tap to set it up again.",
    }),
    recovered: ({ accountName, newTransactions }) => ({
      title: `${accountName ?? "Your wallet"} is up to date`,
      body: `All good, ${news(newTransactions)}. Synced via the MTN MoMo API.`,
    }),
    sync_failing: ({ accountName, failureKind }) => ({
      title: `${accountName ?? "Your wallet"} is not being updated`,
      body:
        failureKind === "account_gone"
          ? "The MTN MoMo API no longer knows this wallet. Unlink it and link it again to go on; what is stored stays."
          : "Updates via the MTN MoMo API have been failing for a while. We keep trying; you need do nothing.",
    }),
    provider_down: ({ institution }) => ({
      title: `${institution ?? "MTN MoMo API"} cannot be reached`,
      body: "Updates via the MTN MoMo API pause until it is back, and then fill in what was missed. You need do nothing.",
    }),
    provider_recovered: ({ institution }) => ({
      title: `${institution ?? "MTN MoMo API"} is back`,
      body: "Your wallets are being updated via the MTN MoMo API again.",
    }),
  },
};
