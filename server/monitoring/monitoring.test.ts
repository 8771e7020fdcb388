import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { z } from "zod";
import { withDb } from "../../db/testing/database.ts";
import { begin, fail, leaseOf, linkMono, noon, setClock } from "../../db/testing/world.ts";
import { Metrics } from "../../tasks/@metrics/metrics.ts";

const folder = import.meta.dirname;
const read = (file: string): Promise<string> => readFile(join(folder, file), "utf8");

/** Every name that /metrics can tell: families, and what histograms make of theirs. */
async function servedNames(): Promise<Set<string>> {
  const { text } = await new Metrics().render();
  const names = new Set<string>();
  for (const [, name = "", type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    if (type === "counter") names.add(`${name}_total`);
    else if (type === "histogram") for (const part of ["bucket", "sum", "count"]) names.add(`${name}_${part}`);
    else names.add(name);
  }
  return names;
}

const METRIC = /\b(?:tidemark|process|nodejs)_[a-z_]+\b/g;

const panel = z.looseObject({ targets: z.array(z.looseObject({ expr: z.string() })).optional() });
const dashboard = z.looseObject({ panels: z.array(panel) });

const alertNames = (rules: string): string[] =>
  [...rules.matchAll(/^ +- alert: (\w+)$/gm)].map(([, name = ""]) => name);

test("every metric of the alerts and of the dashboard is served", async (t) => {
  const served = await servedNames();
  const rules = await read("alerts.yml");
  const { panels } = dashboard.parse(JSON.parse(await read("dashboard.json")));
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)).join("\n");
  for (const [where, text] of Object.entries({ alerts: rules.replace(/^ *#.*$/gm, ""), dashboard: expressions })) {
    const used = new Set(text.match(METRIC));
    t.true(used.size > 15, where);
    t.deepEqual(
      [...used].filter((name) => !served.has(name)),
      [],
      where,
    );
  }
});

test("every gauge is on the dashboard or in an alert: what nobody looks at need not be read", async (t) => {
  const shown = `${await read("alerts.yml")}${await read("dashboard.json")}`;
  const ours = [...(await servedNames())].filter(
    (name) => name.startsWith("tidemark_") && !/_(?:sum|count)$/.test(name),
  );
  t.true(ours.length > 20);
  t.deepEqual(
    ours.filter((name) => !shown.includes(name)),
    [],
  );
});

test("every alert has its paragraph in the runbook, with what to look at and what to do, and every paragraph its alert", async (t) => {
  const alerts = alertNames(await read("alerts.yml"));
  const paragraphs = (await read("RUNBOOK.md")).split(/^## (?=Tidemark)/m).slice(1);
  t.deepEqual(
    paragraphs.map((text) => text.slice(0, text.indexOf("\n"))),
    alerts,
  );
  for (const text of paragraphs) {
    t.regex(text, /\*\*Look\*\*/, text);
    t.regex(text, /\*\*Do\*\*/, text);
    t.regex(text, /\*\*Ends\*\*/, text);
  }
});

test("every view and function that the runbook names is there", async (t) => {
  const schema = await readFile(join(folder, "../../db/schema.sql"), "utf8");
  const named = new Set((await read("RUNBOOK.md")).match(/\bapp_(?:admin|private|public)\.\w+/g));
  t.true(named.size > 8);
  const isThere = (name: string) => new RegExp(`(?:view|function|table) ${name}\\b`, "i").test(schema);
  t.deepEqual(
    [...named].filter((name) => !isThere(name)),
    [],
  );
});

test(
  "every action of the runbook can be done as it is written",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { institutionCode: "058" });
    await fail(db, leaseOf(await begin(db, account)), "transient");
    const actions = [
      ...(await read("RUNBOOK.md")).matchAll(
        /`(?:select (?:\* from )?)?((?:app_admin|graphile_worker)\.\w+\([^`]*\))`/g,
      ),
    ];
    t.true(actions.length > 8);
    for (const [, action = ""] of actions) {
      const { rows } = await db.query<{ id: string }>(
        `insert into app_private.incidents (platform_source, institution_code, opened_at)
         values ('mono', '058', app_private.clock())
         on conflict (platform_source, institution_code) where closed_at is null do update set opened_at = excluded.opened_at
         returning id`,
      );
      await t.notThrowsAsync(db.query(`select ${action.replace("ID", rows[0]?.id ?? "")}`), action);
    }
  }),
);

test("every alert has a series that makes it fire", async (t) => {
  const cases = await read("alerts.test.yml");
  const fired = [...cases.matchAll(/alertname: (\w+)\n\s+exp_alerts:(?! \[\])/g)].map(([, name = ""]) => name);
  t.deepEqual([...new Set(fired)].toSorted(), alertNames(await read("alerts.yml")).toSorted());
});

/** Debian's package prometheus has it, and .ci/run fetches it; without it these are counted as skipped. */
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;
const withPromtool = hasPromtool ? test : test.skip;

for (const args of [
  ["check", "rules", "alerts.yml"],
  ["test", "rules", "alerts.test.yml"],
]) {
  withPromtool(`promtool ${args.join(" ")}`, (t) => {
    const { status, stdout, stderr } = spawnSync("promtool", args, { cwd: folder, encoding: "utf8" });
    t.is(status, 0, `${stdout}${stderr}`);
    t.regex(stdout + stderr, /SUCCESS/);
  });
}
