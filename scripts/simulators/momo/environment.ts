/**
 * The values of X-Target-Environment (MTN's portal), with each country's currency and time.
 *
 * None of these countries has daylight saving, so an offset is all the time zone there is.
 */
export type Environment = {
  currency: string;
  /** Digits after the point in everyday use: the franc countries and Uganda have none. */
  decimals: number;
  utcOffsetHours: number;
  /** Telephone prefix, for invented counterparties. */
  prefix: string;
};

const ENVIRONMENTS: Record<string, Environment> = {
  sandbox: { currency: "EUR", decimals: 2, utcOffsetHours: 0, prefix: "46" },
  mtnuganda: { currency: "UGX", decimals: 0, utcOffsetHours: 3, prefix: "256" },
  mtnghana: { currency: "GHS", decimals: 2, utcOffsetHours: 0, prefix: "233" },
  mtnivorycoast: { currency: "XOF", decimals: 0, utcOffsetHours: 0, prefix: "225" },
  mtnzambia: { currency: "ZMW", decimals: 2, utcOffsetHours: 2, prefix: "260" },
  mtncameroon: { currency: "XAF", decimals: 0, utcOffsetHours: 1, prefix: "237" },
  mtnbenin: { currency: "XOF", decimals: 0, utcOffsetHours: 1, prefix: "229" },
  mtncongo: { currency: "XAF", decimals: 0, utcOffsetHours: 1, prefix: "242" },
  mtnswaziland: { currency: "SZL", decimals: 2, utcOffsetHours: 2, prefix: "268" },
  mtnguineaconakry: { currency: "GNF", decimals: 0, utcOffsetHours: 0, prefix: "224" },
  mtnsouthafrica: { currency: "ZAR", decimals: 2, utcOffsetHours: 2, prefix: "27" },
  mtnliberia: { currency: "LRD", decimals: 2, utcOffsetHours: 0, prefix: "231" },
  mtnsouthsudan: { currency: "SSP", decimals: 2, utcOffsetHours: 2, prefix: "211" },
  mtnnigeria: { currency: "NGN", decimals: 2, utcOffsetHours: 1, prefix: "234" },
  mtnrwanda: { currency: "RWF", decimals: 0, utcOffsetHours: 2, prefix: "250" },
};

export function isEnvironment(name: string): boolean {
  return Object.hasOwn(ENVIRONMENTS, name);
}

/** @throws RangeError for a name that MTN does not list. */
export function environment(name: string): Environment {
  const found = Object.hasOwn(ENVIRONMENTS, name) ? ENVIRONMENTS[name] : undefined;
  if (found === undefined) throw new RangeError(`unknown target environment ${name}`);
  return found;
}

const HOUR = 3_600_000;

/** The calendar day, `YYYY-MM-DD`, that a moment falls on in the environment's country. */
export function localDay(name: string, at: number): string {
  return new Date(at + environment(name).utcOffsetHours * HOUR).toISOString().slice(0, 10);
}

/** The wall clock, `HH:MM:SS`, of a moment in the environment's country. */
export function localTime(name: string, at: number): string {
  return new Date(at + environment(name).utcOffsetHours * HOUR).toISOString().slice(11, 19);
}

/** The moment at which a local day begins. */
export function dayStart(name: string, day: string): number {
  return Date.parse(`${day}T00:00:00Z`) - environment(name).utcOffsetHours * HOUR;
}

/** The day so many days later (or earlier). */
export function addDays(day: string, days: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * 24 * HOUR).toISOString().slice(0, 10);
}

/** True for a `YYYY-MM-DD` that the calendar has. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const at = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(text);
}
