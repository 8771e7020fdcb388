/** Accounts to look at: what `npm start` links, and what a soak links by the thousand. */
import type { NewAccount } from "./actions.ts";
import { institutions } from "./institutions.ts";
import type { MonoSimulator } from "./simulator.ts";

export type DemoAccount = { id: string; name: string; institution: string; number: string; currency: string };

/** From a busy salary account to one on which little happens. */
const habits: NewAccount[] = [
  { type: "CURRENT_ACCOUNT", perWeek: 24, historyDays: 90 },
  { type: "SAVINGS_ACCOUNT", perWeek: 5, historyDays: 90 },
  { type: "CURRENT_ACCOUNT", perWeek: 60, historyDays: 60 },
  { type: "SAVINGS_ACCOUNT", perWeek: 1, historyDays: 90 },
];

/**
 * So many accounts of one customer, at different banks. Called again for the same e-mail address it finds the accounts
 * of last time, and adds only what is missing.
 */
export function demoAccounts(
  simulator: MonoSimulator,
  wanted: { name: string; email: string; count: number; settings?: NewAccount },
): DemoAccount[] {
  const customer = simulator.customerByEmail(wanted.email) ?? simulator.createCustomer(wanted);
  const linked = (): DemoAccount[] =>
    simulator
      .state()
      .accounts.filter((account) => account.customer === customer && !account.gone)
      .map(({ id, name, institution, number, currency }) => ({ id, name, institution, number, currency }));
  for (let index = linked().length; index < wanted.count; index += 1) {
    const bank = institutions[(index * 5 + wanted.email.length) % institutions.length];
    simulator.createAccount({
      ...habits[index % habits.length],
      ...(bank === undefined ? {} : { institution: bank.bankCode }),
      name: wanted.name.toUpperCase(),
      customer,
      ...wanted.settings,
    });
  }
  return linked().slice(0, wanted.count);
}
