import { type ReactNode, useId } from "react";
import type { Account } from "../account_status.ts";
import type { AccountsQuery } from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";
import { AccountCard, type Reason } from "./AccountCard.tsx";
import { AccountSyncSettings, spokenFrequency } from "./AccountSyncSettings.tsx";
import { type Platform, PlatformSyncStatus } from "./PlatformSyncStatus.tsx";

/** All linked accounts, by platform: its status and settings, then its accounts. */
export function LinkedAccountsList({
  data,
  arrivals,
  focus,
}: {
  data: AccountsQuery;
  arrivals: ReadonlyMap<string, number>;
  focus: { accountId: string; reason: Reason } | null;
}): ReactNode {
  const linked = data.accounts.nodes.filter(({ unlinkedAt }) => unlinkedAt === null);
  return data.platformSyncStatus.map((platform) => {
    const accounts = linked.filter(({ platformSource }) => platformSource === platform.platformSource);
    return accounts.length === 0 ? null : (
      <PlatformSection key={platform.platformSource} {...{ data, platform, accounts, arrivals, focus }} />
    );
  });
}

function PlatformSection({
  data,
  platform,
  accounts,
  arrivals,
  focus,
}: {
  data: AccountsQuery;
  platform: Platform;
  accounts: readonly Account[];
  arrivals: ReadonlyMap<string, number>;
  focus: { accountId: string; reason: Reason } | null;
}): ReactNode {
  const { words } = useSpeech();
  const id = useId();
  const { platformSource, label } = platform;
  const setting = data.syncSettings.find((one) => one.platformSource === platformSource);
  return (
    <section className="platform" aria-labelledby={id}>
      <header className="platform-head">
        <h2 id={id}>{platformSource === "mono" ? words.platform.bank : words.platform.mobileMoney}</h2>
        <PlatformSyncStatus platform={platform} />
      </header>
      <details className="more platform-settings">
        <summary>
          {words.settings.title}
          <span className="unseen">: {label}</span>
          <span className="quiet as-of">{spokenFrequency(setting, words)}</span>
        </summary>
        <AccountSyncSettings platformSource={platformSource} label={label} setting={setting} />
      </details>
      <ul className="cards">
        {accounts.map((account) => (
          <li key={account.id}>
            <AccountCard
              account={account}
              arrivals={arrivals.get(account.id) ?? 0}
              reason={focus?.accountId === account.id ? focus.reason : null}
            />
          </li>
        ))}
      </ul>
    </section>
  );
}
