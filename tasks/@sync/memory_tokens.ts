import type { SyncContext } from "./platform.ts";

const LEAST_LIFE_MS = 10 * 60_000;

/** Shared tokens that live in this process only: for tests, and for scripts that work without a database. */
export function createMemoryTokens(now: () => Date): SyncContext["tokens"] {
  const kept = new Map<string, { token: string; expiresAt: number }>();
  const minting = new Map<string, Promise<string>>();
  return (purpose) => ({
    async get(mint) {
      const held = kept.get(purpose);
      if (held !== undefined && held.expiresAt - now().getTime() >= LEAST_LIFE_MS) return held.token;
      const begun = minting.get(purpose);
      if (begun !== undefined) return begun;
      const minted = mint()
        .then(({ token, expiresInSeconds }) => {
          kept.set(purpose, { token, expiresAt: now().getTime() + expiresInSeconds * 1000 });
          return token;
        })
        .finally(() => minting.delete(purpose));
      minting.set(purpose, minted);
      return minted;
    },
    forget(token) {
      if (kept.get(purpose)?.token === token) kept.delete(purpose);
      return Promise.resolve();
    },
  });
}
