import test from "ava";
import { withoutPassword } from "./connection_url.ts";

const cases: [given: string, url: string, password: string | null][] = [
  ["postgres://me:pw@127.0.0.1:5433/app", "postgres://me@127.0.0.1:5433/app", "pw"],
  [
    "postgresql://me:p%40%2F%3Aw@db.example/app?sslmode=require",
    "postgresql://me@db.example/app?sslmode=require",
    "p@/:w",
  ],
  ["postgres://me@db.example/app", "postgres://me@db.example/app", null],
  ["postgres://me:@db.example/app", "postgres://me@db.example/app", null],
  ["postgres://db.example:5432/app", "postgres://db.example:5432/app", null],
  ["postgres:///app?host=/run/postgresql&password=pw", "postgres:///app?host=/run/postgresql", "pw"],
  ["postgres://me@/app?password=p%26w&host=/run/postgresql", "postgres://me@/app?host=/run/postgresql", "p&w"],
  ["postgres://me:pw@one:5432,two:5432/app", "postgres://me@one:5432,two:5432/app", "pw"],
];
for (const [given, url, password] of cases) {
  test(`the password of ${given}`, (t) => t.deepEqual(withoutPassword(given), { url, password }));
}
