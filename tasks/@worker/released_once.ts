import type { Pool, PoolClient } from "pg";

type Taken = Parameters<Parameters<Pool["connect"]>[0]>;

/**
 * The same pool, which bears a connection taken with a callback being given back twice. graphile-worker 0.18.0 does so with
 * the one that it listens on, when that breaks while its pool is ending (dist/main.js, `release`); pg throws then, into a
 * promise that nobody handles.
 */
export function releasedOnce(pool: Pool): Pool {
  function connect(): Promise<PoolClient>;
  function connect(callback: (...taken: Taken) => void): void;
  function connect(callback?: (...taken: Taken) => void): Promise<PoolClient> | void {
    if (callback === undefined) return pool.connect();
    pool.connect((error, client, release) => {
      let isReleased = false;
      callback(error, client, (destroy) => {
        if (isReleased) return;
        isReleased = true;
        release(destroy);
      });
    });
  }
  return new Proxy(pool, {
    get: (target, property, receiver): unknown =>
      property === "connect" ? connect : Reflect.get(target, property, receiver),
  });
}
