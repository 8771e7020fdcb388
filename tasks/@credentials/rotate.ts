import { listCredentialsToReseal, resealCredentials } from "../../db/queries/credentials.ts";
import type { ResealedCredential, SealedCredential } from "../../db/queries/credentials.ts";
import type { Queryable } from "../../db/queryable.ts";
import { CredentialError } from "./credential_error.ts";
import type { Keyring } from "./keyring.ts";
import { open, seal } from "./seal.ts";

/** The same credential under the current key. Throws CredentialError when it cannot be opened. */
export const reseal = (keyring: Keyring, stored: SealedCredential): ResealedCredential => ({
  accountId: stored.accountId,
  kind: stored.kind,
  oldKeyId: stored.keyId,
  oldSealed: stored.sealed,
  ...seal(keyring, stored, open(keyring, stored, stored)),
});

/** A credential that no key of the keyring opens. It stays as it is. */
export type UnopenableCredential = { accountId: string; kind: string; keyId: string };

export type Rotation = {
  /** Credentials now under the current key, by this rotation. */
  resealed: number;
  unopenable: UnopenableCredential[];
  /** True when, apart from the unopenable, nothing is left under another key. */
  complete: boolean;
};

export type RotationOptions = {
  db: Queryable;
  keyring: Keyring;
  /** Rows per statement, 500 unless told: enough to make the round trip cheap, few enough to hold locks briefly. */
  batchSize?: number;
  /** Called after every batch with what was done so far. */
  onProgress?: (soFar: Readonly<Rotation>) => void;
  /** Stops after the batch at hand. */
  signal?: AbortSignal;
};

/** More than this many unopenable credentials are not a few damaged rows but a missing key. */
const MOST_UNOPENABLE = 100;

/** Batches in a row that may change nothing, because somebody replaced each row first, before we give up. */
const MOST_FRUITLESS_BATCHES = 3;

/**
 * Brings every credential under the current key. It keeps no place of its own: rows under another key *are* what is
 * left to do, so it may be stopped anywhere, run again, or run twice at once.
 */
export const rotateCredentials = async (options: RotationOptions): Promise<Rotation> => {
  const { db, keyring, batchSize = 500, onProgress, signal } = options;
  const rotation: Rotation = { resealed: 0, unopenable: [], complete: false };
  const unopenable = new Set<string>();
  let fruitless = 0;

  while (unopenable.size <= MOST_UNOPENABLE && fruitless < MOST_FRUITLESS_BATCHES) {
    if (signal?.aborted === true) break;
    // The unopenable keep coming back, first in the list perhaps; asking for more than them lets us see past them.
    const listed = await listCredentialsToReseal(db, keyring.current.id, batchSize + unopenable.size);
    const stored = listed.filter((credential) => !unopenable.has(identify(credential)));
    if (stored.length === 0) return { ...rotation, complete: true };

    const batch: ResealedCredential[] = [];
    for (const credential of stored) {
      try {
        batch.push(reseal(keyring, credential));
      } catch (error) {
        if (!(error instanceof CredentialError)) throw error;
        unopenable.add(identify(credential));
        rotation.unopenable.push({ accountId: credential.accountId, kind: credential.kind, keyId: credential.keyId });
      }
    }

    if (batch.length > 0) {
      const changed = await resealCredentials(db, batch);
      rotation.resealed += changed;
      fruitless = changed === 0 ? fruitless + 1 : 0;
    }
    onProgress?.(rotation);
  }
  return rotation;
};

/** Its bytes belong to it: a secret that was replaced since is another one, and may well open. */
const identify = ({ accountId, kind, keyId, sealed }: SealedCredential): string =>
  JSON.stringify([accountId, kind, keyId, sealed.toString("base64")]);
