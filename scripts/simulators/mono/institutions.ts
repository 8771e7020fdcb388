/** Banks the simulator knows. Codes are the CBN's; ids only look like Mono's. */
import { randomFor } from "../random.ts";

export type Institution = { id: string; name: string; bankCode: string; nipCode: string; type: "PERSONAL_BANKING" };

const banks: [name: string, bankCode: string, nipCode: string][] = [
  ["GTBank", "058", "000013"],
  ["Access Bank", "044", "000014"],
  ["Zenith Bank", "057", "000015"],
  ["First Bank", "011", "000016"],
  ["United Bank for Africa", "033", "000004"],
  ["Union Bank", "032", "000018"],
  ["Fidelity Bank", "070", "000007"],
  ["Stanbic IBTC", "221", "000012"],
  ["Sterling Bank", "232", "000001"],
  ["FCMB", "214", "000003"],
  ["Wema Bank", "035", "000017"],
  ["Kuda Microfinance Bank", "50211", "090267"],
  ["Opay", "999992", "100004"],
];

export const institutions: readonly Institution[] = banks.map(([name, bankCode, nipCode]) => ({
  // The same whatever the seed: institutions are Mono's, not the world's.
  id: randomFor("institution", bankCode).hex(24),
  name,
  bankCode,
  nipCode,
  type: "PERSONAL_BANKING",
}));

/** By id, bank code or name. */
export function findInstitution(wanted: string): Institution | undefined {
  return institutions.find((bank) => bank.id === wanted || bank.bankCode === wanted || bank.name === wanted);
}
