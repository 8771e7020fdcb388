import { type FormEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { useMutation } from "urql";
import type { Account } from "../account_status.ts";
import { RenewWalletDocument } from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";

/** Where a wallet's owner enters the key that replaces a refused one. What is entered is kept nowhere in the page. */
export function WalletKeyForm({
  account,
  apiUserId,
  onClose,
}: {
  account: Account;
  apiUserId: string;
  onClose: () => void;
}): ReactNode {
  const { words } = useSpeech();
  const id = useId();
  const first = useRef<HTMLInputElement>(null);
  const [{ fetching }, renew] = useMutation(RenewWalletDocument);
  const [problem, setProblem] = useState("");
  useEffect(() => first.current?.focus(), []);

  async function save(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (fetching) return;
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => {
      const value = fields.get(name);
      return typeof value === "string" ? value.trim() : "";
    };
    const apiKey = text("apiKey");
    if (apiKey === "") {
      setProblem(words.wallet.keyNeeded);
      first.current?.focus();
      return;
    }
    const subscriptionKey = text("subscriptionKey");
    const { error } = await renew({
      wallet: {
        accountName: account.accountName,
        apiUserId,
        apiKey,
        ...(subscriptionKey === "" ? {} : { subscriptionKey }),
      },
    });
    if (error === undefined) onClose();
    else setProblem(error.graphQLErrors[0]?.message ?? words.wallet.failed);
  }

  return (
    <form className="wallet-form" aria-labelledby={`${id}-title`} onSubmit={(event) => void save(event)} noValidate>
      <h4 id={`${id}-title`}>{words.wallet.title(account.accountName)}</h4>
      <p>{words.wallet.explain}</p>
      <p className="field">
        <span>{words.wallet.apiUser}</span>
        <code>{apiUserId}</code>
      </p>
      <div className="field">
        <label htmlFor={`${id}-key`}>{words.wallet.apiKey}</label>
        <input
          ref={first}
          id={`${id}-key`}
          name="apiKey"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          aria-invalid={problem !== ""}
          aria-describedby={`${id}-problem`}
        />
      </div>
      <div className="field">
        <label htmlFor={`${id}-subscription`}>{words.wallet.subscriptionKey}</label>
        <input
          id={`${id}-subscription`}
          name="subscriptionKey"
          type="password"
          autoComplete="off"
          spellCheck={false}
          aria-describedby={`${id}-hint`}
        />
        <small id={`${id}-hint`}>{words.wallet.subscriptionHint}</small>
      </div>
      <p id={`${id}-problem`} className="problem" role="alert">
        {problem}
      </p>
      <div className="buttons">
        <button type="submit" className="button button-main" aria-disabled={fetching}>
          {fetching ? words.wallet.saving : words.wallet.save}
        </button>
        <button type="button" className="button button-plain" onClick={onClose}>
          {words.wallet.cancel}
        </button>
      </div>
    </form>
  );
}
