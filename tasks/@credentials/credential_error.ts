/**
 * Something sealed cannot be opened: its key is not on the keyring, or the key, the owner or the bytes are not those
 * it was sealed with. Tells the key's id, never content. Its code is in the catalogue of db/ERRORS.md.
 */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
  readonly code = "CREDX";
  readonly keyId: string;

  constructor(message: string, keyId: string, options?: ErrorOptions) {
    super(message, options);
    this.keyId = keyId;
  }
}
