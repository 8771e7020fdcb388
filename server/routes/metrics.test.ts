import { createHash } from "node:crypto";
import test from "ava";
import { pino } from "pino";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { Metrics } from "../../tasks/@metrics/metrics.ts";
import { readSamples } from "../../tasks/@metrics/testing/samples.ts";
import { createApp } from "../app.ts";

const log = pino({ level: "silent" });

test(
  "/metrics is for holders of its tokens; it counts what the server answers, by route and not by address",
  withClonedDb(async (t, cloned) => {
    const db = cloned.pool("app_authenticator");
    const token = canarySecret("hex");
    const metrics = new Metrics();
    metrics.readFrom(db, log);
    const readers = [{ name: "prometheus", hash: createHash("sha256").update(token).digest() }];
    const app = createApp({ db, log, metrics: { metrics, readers } });
    t.teardown(() => app.close());
    t.is((await app.inject("/metrics")).statusCode, 401);
    t.is((await app.inject({ url: "/metrics", headers: { authorization: "Bearer no" } })).statusCode, 401);
    await app.inject("/healthz");
    await app.inject("/somebodys/secret/address");
    const answer = await app.inject({ url: "/metrics", headers: { authorization: `Bearer ${token}` } });
    t.is(answer.statusCode, 200);
    t.regex(String(answer.headers["content-type"]), /openmetrics/);
    const counted = readSamples(answer.body)
      .filter(({ name }) => name === "tidemark_http_request_duration_seconds_count")
      .map(({ labels, value }) => [labels["route"], labels["status"], value]);
    t.deepEqual(counted, [
      ["/metrics", "4xx", 2],
      ["/healthz", "2xx", 1],
      ["unmatched", "4xx", 1],
    ]);
    t.false(answer.body.includes("secret"));
    // Only the pool of the server's own role was asked: it may read the gauges.
    t.regex(answer.body, /^tidemark_database_up 1$/m);
    t.regex(answer.body, /^tidemark_open_auth_episodes\{platform="mono"\} 0$/m);
  }),
);

test(
  "without tokens nobody reads it, unless the server is for this machine only",
  withClonedDb(async (t, cloned) => {
    const db = cloned.pool("app_authenticator");
    const metrics = new Metrics();
    const closed = createApp({ db, log, metrics: { metrics, readers: [] } });
    const open = createApp({ db, log, metrics: { metrics, readers: "anyone" } });
    t.teardown(() => Promise.all([closed.close(), open.close()]));
    t.is((await closed.inject({ url: "/metrics", headers: { authorization: "Bearer x" } })).statusCode, 401);
    t.is((await open.inject("/metrics")).statusCode, 200);
    t.is((await createApp({ db, log }).inject("/metrics")).statusCode, 404);
  }),
);
