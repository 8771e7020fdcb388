import type { PlatformSource } from "../../db/queries/runs.ts";

/** A demo account; its provider's side lives in the simulators. */
export type DemoAccount =
  | {
      platform: "mono";
      name: string;
      institution: string;
      type: "SAVINGS_ACCOUNT" | "CURRENT_ACCOUNT";
      perWeek: number;
      historyDays: number;
    }
  | { platform: "mtn_momo"; name: string; statement: boolean; balance: string };

export type DemoUser = { id: string; name: string; email: string; accounts: DemoAccount[]; interval: string | null };

/** Two people, so that one can see that neither sees the other. Ada is impatient; Kofi keeps the daily default. */
export const demoUsers: readonly DemoUser[] = [
  {
    id: "a0000000-0000-4000-8000-000000000001",
    name: "Ada",
    email: "ada@example.com",
    interval: "15 minutes",
    accounts: [
      {
        platform: "mono",
        name: "Everyday",
        institution: "GTBank",
        type: "SAVINGS_ACCOUNT",
        perWeek: 14,
        historyDays: 200,
      },
      {
        platform: "mono",
        name: "Shop",
        institution: "Access Bank",
        type: "CURRENT_ACCOUNT",
        perWeek: 60,
        historyDays: 120,
      },
      { platform: "mtn_momo", name: "MoMo till", statement: true, balance: "1250.00" },
    ],
  },
  {
    id: "b0000000-0000-4000-8000-000000000002",
    name: "Kofi",
    email: "kofi@example.com",
    interval: null,
    accounts: [
      {
        platform: "mono",
        name: "Salary",
        institution: "Zenith Bank",
        type: "SAVINGS_ACCOUNT",
        perWeek: 7,
        historyDays: 365,
      },
      {
        platform: "mono",
        name: "Rainy day",
        institution: "GTBank",
        type: "SAVINGS_ACCOUNT",
        perWeek: 1,
        historyDays: 365,
      },
      { platform: "mtn_momo", name: "MoMo stall", statement: false, balance: "310.00" },
    ],
  },
];

/** What people call a platform; app_private.platforms.label says the same. */
export const platformLabels: Record<PlatformSource, string> = { mono: "Mono", mtn_momo: "MTN MoMo API" };
