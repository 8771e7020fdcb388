import { type ReactNode, useState } from "react";
import { useMutation } from "urql";
import type { Account } from "../account_status.ts";
import { StartReauthenticationDocument } from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";

/** The one button that mends a link: the bank's own page for a bank account, the form for a new key for a wallet. */
export function ReauthenticateButton({ account, onWallet }: { account: Account; onWallet: () => void }): ReactNode {
  const { words } = useSpeech();
  const [{ fetching }, start] = useMutation(StartReauthenticationDocument);
  const [hasFailed, setFailed] = useState(false);
  const isWallet = account.platformSource === "mtn_momo";

  /** Mono's page lives for minutes, so it is asked for at the tap and opened at once. */
  async function tap(): Promise<void> {
    if (isWallet) {
      onWallet();
      return;
    }
    if (fetching) return;
    setFailed(false);
    const { data } = await start({ accountId: account.id });
    const url = data?.startReauthentication.monoUrl ?? null;
    if (url === null) setFailed(true);
    else location.assign(url);
  }

  return (
    <div className="sync-button">
      <button type="button" className="button button-main" aria-disabled={fetching} onClick={() => void tap()}>
        {fetching ? words.fix.opening : isWallet ? words.fix.wallet : words.fix.bank}
        <span className="unseen">: {account.accountName}</span>
      </button>
      <p className="sync-message" role="status">
        {hasFailed ? words.fix.failed : ""}
      </p>
    </div>
  );
}
