/**
 * Seeded randomness that does not depend on the order of calls.
 *
 * Every question has its own stream, named by a key: the transactions of day D of account 3 are drawn from
 * `randomFor(seed, "day", 3, D)`. Whoever asks first, or asks twice, or never asks, changes nothing for the others.
 * That is what makes one seed one history. Not for secrets.
 */

export type Seed = string | number;

export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number, both ends included. */
  int(min: number, max: number): number;
  /** True with the given probability. */
  chance(probability: number): boolean;
  /** One of the items, which may not be empty. */
  pick<T>(items: readonly T[]): T;
  /** Lower-case hexadecimal digits. */
  hex(length: number): string;
  /** A copy in another order. */
  shuffle<T>(items: readonly T[]): T[];
};

/** The stream that belongs to this seed and key. Equal arguments give equal streams. */
export function randomFor(seed: Seed, ...key: (string | number)[]): Random {
  const next = sfc32(...hash128([seed, ...key].map((part) => `${typeof part}:${part}`).join("\u0000")));
  const int = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    int,
    chance: (probability) => next() < probability,
    pick<T>(items: readonly T[]): T {
      const item = items[int(0, items.length - 1)];
      if (item === undefined) throw new RangeError("pick from an empty list");
      return item;
    },
    hex: (length) => Array.from({ length }, () => int(0, 15).toString(16)).join(""),
    shuffle<T>(items: readonly T[]): T[] {
      const keyed = items.map((item) => ({ item, rank: next() }));
      return keyed.toSorted((a, b) => a.rank - b.rank).map(({ item }) => item);
    },
  };
}

/**
 * How all secrets of the simulators begin: so they are found wherever they were written, in a log, in a database or in
 * somebody's repository (db/testing/canaries/ searches for it), and are known to open nothing.
 */
export const SECRET_MARK = "5ec2e75ec2e7";

/** A secret of 32 hexadecimal digits. */
export function secretFor(seed: Seed, ...key: (string | number)[]): string {
  return `${SECRET_MARK}${randomFor(seed, ...key).hex(20)}`;
}

/** An RFC 4122 version 4 UUID, the same for the same seed and key. */
export function uuidFor(seed: Seed, ...key: (string | number)[]): string {
  const random = randomFor(seed, "uuid", ...key);
  const variant = random.pick(["8", "9", "a", "b"]);
  return `${random.hex(8)}-${random.hex(4)}-4${random.hex(3)}-${variant}${random.hex(3)}-${random.hex(12)}`;
}

/** 128 bits of a string: four multiplicative lanes over its UTF-16 units (cyrb128, public domain). */
function hash128(text: string): [number, number, number, number] {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    a = b ^ Math.imul(a ^ unit, 597399067);
    b = c ^ Math.imul(b ^ unit, 2869860233);
    c = d ^ Math.imul(c ^ unit, 951274213);
    d = a ^ Math.imul(d ^ unit, 2716044179);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  const all = a ^ b ^ c ^ d;
  return [all >>> 0, (b ^ all) >>> 0, (c ^ all) >>> 0, (d ^ all) >>> 0];
}

/** Small fast counter generator with 128 bits of state (sfc32, public domain; passes PractRand). */
function sfc32(a: number, b: number, c: number, d: number): () => number {
  const step = (): number => {
    const result = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + result) | 0;
    return (result >>> 0) / 4294967296;
  };
  // Neighbouring keys differ in few bits; the first outputs would show it.
  for (let warm = 0; warm < 12; warm += 1) step();
  return step;
}
