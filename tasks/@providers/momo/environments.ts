/** What an X-Target-Environment stands for. */
export type MomoEnvironment = {
  /** IANA zone of its days. */
  zone: string;
  /** ISO 4217. The sandbox knows EUR only (MTN docs). */
  currency: string;
  /** Where its Collections API is reached unless a wallet says otherwise. */
  baseUrl: string;
};

export const MOMO_SANDBOX_URL = "https://sandbox.momodeveloper.mtn.com";

/** Production since MTN's migration of 2026, as one client's author reports it; no page of MTN's names it. */
export const MOMO_PRODUCTION_URL = "https://momoapi.momo.africa";

/** Production before. References made there can be read only there, so wallets and references keep their own URL. */
export const MOMO_LEGACY_PRODUCTION_URL = "https://proxy.momoapi.mtn.com";

const live = (zone: string, currency: string): MomoEnvironment => ({ zone, currency, baseUrl: MOMO_PRODUCTION_URL });

/** Names by MTN's developer portal; currencies by country. */
const ENVIRONMENTS: ReadonlyMap<string, MomoEnvironment> = new Map([
  ["sandbox", { zone: "Etc/UTC", currency: "EUR", baseUrl: MOMO_SANDBOX_URL }],
  ["mtnbenin", live("Africa/Porto-Novo", "XOF")],
  ["mtncameroon", live("Africa/Douala", "XAF")],
  ["mtncongo", live("Africa/Brazzaville", "XAF")],
  ["mtnghana", live("Africa/Accra", "GHS")],
  ["mtnguineaconakry", live("Africa/Conakry", "GNF")],
  ["mtnivorycoast", live("Africa/Abidjan", "XOF")],
  ["mtnliberia", live("Africa/Monrovia", "LRD")],
  ["mtnnigeria", live("Africa/Lagos", "NGN")],
  ["mtnrwanda", live("Africa/Kigali", "RWF")],
  ["mtnsouthafrica", live("Africa/Johannesburg", "ZAR")],
  ["mtnsouthsudan", live("Africa/Juba", "SSP")],
  ["mtnswaziland", live("Africa/Mbabane", "SZL")],
  ["mtnuganda", live("Africa/Kampala", "UGX")],
  ["mtnzambia", live("Africa/Lusaka", "ZMW")],
]);

/** Null for a name that MTN does not list. */
export function momoEnvironment(name: string): MomoEnvironment | null {
  return ENVIRONMENTS.get(name) ?? null;
}

export const momoEnvironmentNames: readonly string[] = [...ENVIRONMENTS.keys()];
