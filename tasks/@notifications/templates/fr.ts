import type { Templates } from "../template.ts";

const plural = new Intl.PluralRules("fr");

const news = (count: number): string => {
  if (count === 0) return "rien de nouveau entre-temps";
  return plural.select(count) === "one" ? `${count} nouvelle transaction` : `${count} nouvelles transactions`;
};

/** French. */
export const fr: Templates = {
  mono: {
    reauth_required: ({ accountName }) => ({
      title: `Reconnectez ${accountName ?? "votre compte"}`,
      body: "Votre banque demande de renouveler votre accord : Mono ne peut plus mettre ce compte à jour. Touchez pour le reconnecter, en une minute.",
    }),
    reauth_reminder: ({ accountName }) => ({
      title: `${accountName ?? "Votre compte"} est toujours déconnecté`,
      body: "Il n'est plus mis à jour via Mono depuis la fin de votre accord. Touchez pour le reconnecter ; ce qui manque sera ajouté.",
    }),
    recovered: ({ accountName, newTransactions }) => ({
      title: `${accountName ?? "Votre compte"} est à jour`,
      body: `Tout va bien, ${news(newTransactions)}. Synchronisé via Mono.`,
    }),
    sync_failing: ({ accountName, failureKind }) => ({
      title: `${accountName ?? "Votre compte"} n'est plus mis à jour`,
      body:
        failureKind === "account_gone"
          ? "Mono ne connaît plus ce compte. Déliez-le puis reliez-le pour continuer ; ce qui est enregistré reste."
          : "Les mises à jour via Mono échouent depuis un moment. Nous réessayons et ajouterons ce qui manque. Vous n'avez rien à faire.",
    }),
    provider_down: ({ institution }) => ({
      title: `${institution ?? "Mono"} est injoignable`,
      body: "Les mises à jour via Mono attendent son retour, puis ajouteront ce qui manque. Vous n'avez rien à faire.",
    }),
    provider_recovered: ({ institution }) => ({
      title: `${institution ?? "Mono"} est de retour`,
      body: "Vos comptes sont de nouveau mis à jour via Mono.",
    }),
  },
  mtn_momo: {
    reauth_required: ({ accountName }) => ({
      title: `${accountName ?? "Votre portefeuille"} : nouvelle clé requise`,
      body: "La MTN MoMo API n'accepte plus la clé de ce portefeuille, qui ne peut plus être mis à jour. Touchez pour le reconfigurer.",
    }),
    reauth_reminder: ({ accountName }) => ({
      title: `${accountName ?? "Votre portefeuille"} attend sa nouvelle clé`,
      body: "Il n'est plus mis à jour via la MTN MoMo API depuis le refus de sa clé. Touchez pour le reconfigurer.",
    }),
    recovered: ({ accountName, newTransactions }) => ({
      title: `${accountName ?? "Votre portefeuille"} est à jour`,
      body: `Tout va bien, ${news(newTransactions)}. Synchronisé via la MTN MoMo API.`,
    }),
    sync_failing: ({ accountName, failureKind }) => ({
      title: `${accountName ?? "Votre portefeuille"} n'est plus mis à jour`,
      body:
        failureKind === "account_gone"
          ? "La MTN MoMo API ne connaît plus ce portefeuille. Déliez-le puis reliez-le pour continuer ; ce qui est enregistré reste."
          : "Les mises à jour via la MTN MoMo API échouent depuis un moment. Nous réessayons ; vous n'avez rien à faire.",
    }),
    provider_down: ({ institution }) => ({
      title: `${institution ?? "MTN MoMo API"} : injoignable`,
      body: "Les mises à jour via la MTN MoMo API attendent son retour, puis ajouteront ce qui manque. Vous n'avez rien à faire.",
    }),
    provider_recovered: ({ institution }) => ({
      title: `${institution ?? "MTN MoMo API"} : de retour`,
      body: "Vos portefeuilles sont de nouveau mis à jour via la MTN MoMo API.",
    }),
  },
};
