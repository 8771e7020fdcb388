import { associate, decrypt, encrypt, type Sealed } from "./authenticated_encryption.ts";
import type { Keyring } from "./keyring.ts";

/** Whose token: moved to another row, or asked for with other credentials of the wallet, it does not open. */
export type WalletTokenOwner = {
  /** wallet_tokens.wallet_key. */
  key: string;
  /** A hash of what it was minted with: somebody may know a wallet's id, and not its key. */
  credentials: string;
};

/** Seals a wallet's access token for its row of app_private.wallet_tokens. */
export const sealWalletToken = (keyring: Keyring, owner: WalletTokenOwner, token: string): Sealed =>
  encrypt(keyring, ownerData(owner), Buffer.from(token));

/** Opens a wallet's access token. Throws CredentialError (CREDX). */
export const openWalletToken = (keyring: Keyring, owner: WalletTokenOwner, sealed: Sealed): string =>
  decrypt(keyring, ownerData(owner), sealed).toString();

const ownerData = ({ key, credentials }: WalletTokenOwner): Buffer =>
  associate("tidemark wallet token", key, credentials);
