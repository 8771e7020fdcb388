import { associate, decrypt, encrypt, type Sealed } from "./authenticated_encryption.ts";
import type { Keyring } from "./keyring.ts";

/** Seals a wallet's access token for its row of app_private.wallet_tokens: moved to another wallet it opens nothing. */
export const sealWalletToken = (keyring: Keyring, walletKey: string, token: string): Sealed =>
  encrypt(keyring, associate("tidemark wallet token", walletKey), Buffer.from(token));

/** Opens a wallet's access token. Throws CredentialError (CREDX). */
export const openWalletToken = (keyring: Keyring, walletKey: string, sealed: Sealed): string =>
  decrypt(keyring, associate("tidemark wallet token", walletKey), sealed).toString();
