/**
 * What happens on a Nigerian current account: who pays whom, how much, and how the bank words it.
 * Amounts are kobo.
 */
import type { Random } from "../random.ts";

export type Movement = {
  type: "credit" | "debit";
  amount: bigint;
  narration: string | null;
  /** What Mono's enrichment says: a category, "unknown", or nothing at all. */
  category: string | null;
};

type Kind = {
  weight: number;
  type: "credit" | "debit";
  /** Whole naira, both ends included. */
  naira: [number, number];
  category: string;
  narrate: (random: Random) => string;
};

const people = [
  "ADAEZE OKAFOR",
  "CHINEDU EZE",
  "IBRAHIM MUSA",
  "FUNMILAYO ADEYEMI",
  "TUNDE BAKARE",
  "NGOZI UMEH",
  "AISHA BELLO",
  "EMEKA NWOSU",
  "BLESSING ETIM",
  "YUSUF ABDULLAHI",
  "Ọlúwaṣeun Àjàyí",
];
const shops = ["SHOPRITE LEKKI", "EBEANO SUPERMARKET", "CHICKEN REPUBLIC", "JUMIA NG", "PAYSTACK*BOLT", "SPAR ABUJA"];
const banks = ["GTB", "UBA", "ACCESS", "ZENITH", "KUDA", "OPAY", "FBN"];

const kinds: Kind[] = [
  {
    weight: 22,
    type: "debit",
    naira: [500, 60_000],
    category: "transfer",
    narrate: (random) => `NIP/${random.pick(banks)}/${random.pick(people)}/TRF ${random.hex(6).toUpperCase()}`,
  },
  {
    weight: 16,
    type: "debit",
    naira: [800, 25_000],
    category: "shopping",
    narrate: (random) => `POS/WEB PURCHASE @ ${random.pick(shops)} LA NG`,
  },
  {
    weight: 12,
    type: "debit",
    naira: [100, 3_000],
    category: "phone_and_internet",
    narrate: (random) => `AIRTIME/${random.pick(["MTN", "GLO", "AIRTEL", "9MOBILE"])}/0803***${random.int(1000, 9999)}`,
  },
  {
    weight: 6,
    type: "debit",
    naira: [1_000, 20_000],
    category: "utilities",
    narrate: (random) => `IKEJA ELECTRIC PREPAID ${random.int(10_000_000, 99_999_999)}`,
  },
  {
    weight: 8,
    type: "debit",
    naira: [1_000, 20_000],
    category: "withdrawal",
    narrate: (random) => `ATM WDL ${random.pick(["ALLEN AVENUE", "WUSE 2", "GRA PH"])} ${random.int(1, 9)}`,
  },
  { weight: 5, type: "debit", naira: [50, 50], category: "bank_charges", narrate: () => "EMTL CHARGE" },
  { weight: 5, type: "debit", naira: [4, 54], category: "bank_charges", narrate: () => "SMS ALERT CHARGE + VAT" },
  {
    weight: 20,
    type: "credit",
    naira: [1_000, 90_000],
    category: "transfer",
    narrate: (random) => `NIP TRANSFER FROM ${random.pick(people)}`,
  },
  {
    weight: 4,
    type: "credit",
    naira: [5_000, 150_000],
    category: "income",
    narrate: (random) => `FIP:${random.pick(banks)}/PAYMENT FOR GOODS/${random.int(100, 999)}`,
  },
  { weight: 2, type: "credit", naira: [500, 9_000], category: "reversal", narrate: () => "RVSL: POS PURCHASE" },
];

const totalWeight = kinds.reduce((sum, kind) => sum + kind.weight, 0);

export function drawMovement(random: Random): Movement {
  let rest = random.next() * totalWeight;
  const kind = kinds.find(({ weight }) => (rest -= weight) < 0) ?? random.pick(kinds);
  const naira = BigInt(random.int(...kind.naira));
  const kobo = random.chance(0.3) ? BigInt(random.int(0, 99)) : 0n;
  return {
    type: kind.type,
    amount: naira * 100n + kobo,
    narration: random.chance(0.03) ? null : kind.narrate(random),
    category: random.pick([kind.category, "unknown", null, kind.category]),
  };
}

/** The monthly one. @param profile the account's own stream: the same employer and pay every month. */
export function salary(profile: Random): Movement {
  return {
    type: "credit",
    amount: BigInt(profile.int(120, 900)) * 100_000n,
    narration: `SALARY ${profile.pick(["ZENKRAFT LTD", "LAGOS STATE GOVT", "MAINLAND FOODS PLC"])}`,
    category: "salary",
  };
}
