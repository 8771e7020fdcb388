import { mkdtemp, readFile, rm, writeFile, mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import type { ExecutionContext } from "ava";
import fc from "fast-check";
import { EnvironmentError, loadEnvironment, parseEnvironment, variableNames } from "./environment.ts";

const key = (byte: number) =>
  Buffer.from(Array.from({ length: 32 }, (_, index) => (byte + index) % 256)).toString("base64");

const complete = {
  PORT: "8080",
  TIDEMARK_DATA: "/var/lib/tidemark",
  LOG_LEVEL: "debug",
  DATABASE_URL: "postgresql://tidemark:pw@db.example:5432/app?sslmode=require",
  TIDEMARK_ENCRYPTION_KEYS: `new:${key(1)},old:${key(2)}`,
  TIDEMARK_SERVICE_TOKENS: `app:sha256:${"0123456789abcdef".repeat(4)}`,
  JWT_SECRET: "0123456789abcdef0123456789abcdef",
  JWT_JWKS_URL: "https://issuer.example/jwks.json",
  JWT_ISSUER: "https://issuer.example/",
  JWT_AUDIENCE: "authenticated",
  PUBLIC_URL: "https://sync.example/",
  APP_DEEP_LINK_BASE: "https://app.example/links/",
  SIGN_IN_URL: "https://app.example/accounts",
  CORS_ORIGINS: "https://app.example, http://localhost:5173",
  TRUSTED_PROXIES: "10.0.0.0/8, ::1",
  GRAPHQL_INTROSPECTION: "1",
  TIDEMARK_METRICS_PORT: "9464",
  TIDEMARK_METRICS_TOKENS: `prometheus:sha256:${"b".repeat(64)}`,
  NODE_ENV: "development",
  MONO_BASE_URL: "https://mono.example/",
  MONO_SECRET_KEY: "live_sk_abc",
  MONO_WEBHOOK_SECRET: "whsec_abc",
  MOMO_BASE_URL: "https://momo.example/base/",
  MOMO_TARGET_ENVIRONMENT: "mtnghana",
  MOMO_SUBSCRIPTION_KEY: "0123456789abcdef0123456789abcdef",
  MOMO_API_KEY: "fedcba9876543210fedcba9876543210",
  MADAPI_BASE_URL: "https://madapi.example/v1",
  MADAPI_CLIENT_ID: "consumer",
  MADAPI_CLIENT_SECRET: "consumer-secret",
  MADAPI_API_KEY: "madapi-key",
  MADAPI_MSISDN: "256770000000",
  ONESIGNAL_BASE_URL: "https://onesignal.example/",
  ONESIGNAL_APP_ID: "5eb5a37e-b458-11e3-ac11-000c2940e62c",
  ONESIGNAL_API_KEY: "os_v2_app_abc",
  // RFC 8291, appendix A.
  VAPID_PUBLIC_KEY: "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
  VAPID_PRIVATE_KEY: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
  VAPID_SUBJECT: "mailto:operations@example.com",
};

const problemsOf = (t: ExecutionContext, env: Record<string, string | undefined>): Record<string, string> => {
  const error = t.throws(() => parseEnvironment(env), { instanceOf: EnvironmentError });
  return Object.fromEntries((error?.problems ?? []).map(({ variable, problem }) => [variable, problem]));
};

const directoryWith = async (t: ExecutionContext, file: string | null): Promise<string> => {
  const directory = await mkdtemp(join(tmpdir(), "tidemark-environment-"));
  t.teardown(() => rm(directory, { recursive: true }));
  if (file !== null) await writeFile(join(directory, ".env"), file);
  return directory;
};

test("nothing set: defaults, and no secret among them", (t) => {
  t.deepEqual(parseEnvironment({}), {
    PORT: 4100,
    TIDEMARK_DATA: ".tidemark",
    LOG_LEVEL: "info",
    CORS_ORIGINS: [],
    TRUSTED_PROXIES: [],
    NODE_ENV: "production",
    MONO_BASE_URL: "https://api.withmono.com",
    MOMO_BASE_URL: "https://sandbox.momodeveloper.mtn.com",
    MOMO_TARGET_ENVIRONMENT: "sandbox",
    ONESIGNAL_BASE_URL: "https://api.onesignal.com",
  });
});

test("everything set", (t) => {
  t.deepEqual(parseEnvironment(complete), {
    ...complete,
    PORT: 8080,
    LOG_LEVEL: "debug",
    PUBLIC_URL: "https://sync.example",
    APP_DEEP_LINK_BASE: "https://app.example/links",
    CORS_ORIGINS: ["https://app.example", "http://localhost:5173"],
    TRUSTED_PROXIES: ["10.0.0.0/8", "::1"],
    GRAPHQL_INTROSPECTION: "1",
    TIDEMARK_METRICS_PORT: 9464,
    NODE_ENV: "development",
    MONO_BASE_URL: "https://mono.example",
    MOMO_BASE_URL: "https://momo.example/base",
    ONESIGNAL_BASE_URL: "https://onesignal.example",
  });
  t.deepEqual(Object.keys(complete), [...variableNames]);
});

test("what signs tokens is long enough, and origins are origins", (t) => {
  t.deepEqual(
    problemsOf(t, { JWT_SECRET: "short", CORS_ORIGINS: "https://app.example/path", GRAPHQL_INTROSPECTION: "yes" }),
    {
      JWT_SECRET: "must have at least 32 characters; example: JWT_SECRET=AT_LEAST_32_RANDOM_CHARACTERS_HERE",
      CORS_ORIGINS:
        "must be origins such as https://app.example.com, comma-separated; example: CORS_ORIGINS=https://app.example.com",
      GRAPHQL_INTROSPECTION: "must be 0 or 1; example: GRAPHQL_INTROSPECTION=1",
    },
  );
});

test("a proxy is an address or a range, and never everybody", (t) => {
  for (const given of ["true", "*", "0.0.0.0/0", "::/0", "10.0.0.0/33", "10.0.0.0/8/8", "proxy.example", "10.0.0.1/"]) {
    t.like(problemsOf(t, { TRUSTED_PROXIES: given }), {
      TRUSTED_PROXIES:
        "must be addresses or ranges such as 10.0.0.0/8, comma-separated; example: TRUSTED_PROXIES=10.0.0.0/8",
    });
  }
  t.deepEqual(parseEnvironment({ TRUSTED_PROXIES: "10.1.2.3,fd00::/8" }).TRUSTED_PROXIES, ["10.1.2.3", "fd00::/8"]);
});

for (const [given, base] of [
  ["budget://", "budget://"],
  ["budget:///", "budget://"],
  ["budget://open/", "budget://open"],
  ["com.example.budget://", "com.example.budget://"],
  ["https://app.example", "https://app.example"],
  ["https://app.example/links//", "https://app.example/links"],
  ["http://localhost:8081/", "http://localhost:8081"],
] as const) {
  test(`APP_DEEP_LINK_BASE ${given} is accepted`, (t) => {
    t.is(parseEnvironment({ APP_DEEP_LINK_BASE: given }).APP_DEEP_LINK_BASE, base);
  });
}
for (const base of [
  "budget",
  "budget:",
  "javascript://app.example/%0Aalert(1)",
  "data://text/html",
  "file:///etc",
  "http://app.example",
  "https://user:pw@app.example",
  "https://app.example?a=1",
  "https://app.example/#top",
  "budget://a b",
  "Budget://",
]) {
  test(`APP_DEEP_LINK_BASE ${base} is refused`, (t) => {
    t.deepEqual(Object.keys(problemsOf(t, { APP_DEEP_LINK_BASE: base })), ["APP_DEEP_LINK_BASE"]);
  });
}

test("half of a channel's set-up is a mistake, and says what is missing", (t) => {
  const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, ONESIGNAL_APP_ID, ONESIGNAL_API_KEY } = complete;
  t.deepEqual(problemsOf(t, { VAPID_PUBLIC_KEY, ONESIGNAL_API_KEY }), {
    ONESIGNAL_APP_ID: "is not set, but ONESIGNAL_API_KEY is: set all of them or none",
    VAPID_PRIVATE_KEY: "is not set, but VAPID_PUBLIC_KEY is: set all of them or none",
    VAPID_SUBJECT: "is not set, but VAPID_PUBLIC_KEY is: set all of them or none",
  });
  t.notThrows(() => parseEnvironment({ VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT }));
  t.notThrows(() => parseEnvironment({ ONESIGNAL_APP_ID, ONESIGNAL_API_KEY }));
});

test("VAPID keys are keys, and a pair", (t) => {
  const { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT } = complete;
  const another = "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs";
  const problems = (given: Record<string, string>) =>
    problemsOf(t, { VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY, VAPID_SUBJECT, ...given });
  t.deepEqual(problems({ VAPID_PUBLIC_KEY: another }), {
    VAPID_PUBLIC_KEY: "is not the public key of VAPID_PRIVATE_KEY",
  });
  for (const wrong of [VAPID_PRIVATE_KEY, `${VAPID_PUBLIC_KEY}=`, `A${VAPID_PUBLIC_KEY.slice(1)}`, "no key"]) {
    t.regex(problems({ VAPID_PUBLIC_KEY: wrong })["VAPID_PUBLIC_KEY"] ?? "", /^must be 65 bytes in base64url/, wrong);
  }
  for (const wrong of [VAPID_PUBLIC_KEY, "A".repeat(43), "_".repeat(43), "no key"]) {
    const problem = problems({ VAPID_PRIVATE_KEY: wrong })["VAPID_PRIVATE_KEY"] ?? "";
    t.regex(problem, /^must be 32 bytes in base64url/, wrong);
    t.false(problem.includes(wrong));
  }
  for (const wrong of ["operations@example.com", "http://example.com", "mailto:nobody"]) {
    t.deepEqual(Object.keys(problems({ VAPID_SUBJECT: wrong })), ["VAPID_SUBJECT"]);
  }
});

test("an empty variable is unset", (t) => {
  const empty = Object.fromEntries(variableNames.map((name) => [name, ""]));
  t.deepEqual(parseEnvironment(empty), parseEnvironment({}));
});

test("all problems come together, one line each, in words", (t) => {
  const error = t.throws(
    () =>
      parseEnvironment({
        PORT: "http",
        LOG_LEVEL: "loud",
        DATABASE_URL: "mysql://root@localhost/app",
        MONO_SECRT_KEY: "live_sk_abc",
      }),
    { instanceOf: EnvironmentError },
  );
  t.is(
    error?.message,
    [
      "The environment has problems:",
      "  PORT            must be a whole number from 0 to 65535; example: PORT=4100",
      "  LOG_LEVEL       must be one of fatal, error, warn, info, debug, trace, silent; example: LOG_LEVEL=info",
      "  DATABASE_URL    must be one address that starts with postgres:// or postgresql://; example: DATABASE_URL=postgres://tidemark:PASSWORD@localhost:5432/app",
      "  MONO_SECRT_KEY  is unknown: did you mean MONO_SECRET_KEY?",
    ].join("\n"),
  );
});

for (const port of ["0", "1", "4100", "65535"]) {
  test(`PORT ${port} is accepted`, (t) => t.is(parseEnvironment({ PORT: port }).PORT, Number(port)));
}
for (const port of ["-1", "65536", "4100.5", "4e3", " 4100", "0x10", "99999999999999999999"]) {
  test(`PORT ${JSON.stringify(port)} is refused`, (t) =>
    t.deepEqual(Object.keys(problemsOf(t, { PORT: port })), ["PORT"]));
}

for (const url of ["http://127.0.0.1:4101", "http://localhost:4101", "http://[::1]:4101"]) {
  test(`MONO_BASE_URL ${url} is accepted: it stays on this machine`, (t) => {
    t.is(parseEnvironment({ MONO_BASE_URL: url }).MONO_BASE_URL, url);
  });
}
for (const url of [
  "http://api.withmono.com",
  "http://127.0.0.1.evil.example",
  "http://simulators:4101",
  "http://[2001:db8::1]",
  "ftp://api.withmono.com",
  "https://user:pw@api.withmono.com",
  "https://api.withmono.com?key=1",
  "api.withmono.com",
]) {
  test(`MONO_BASE_URL ${url} is refused`, (t) => {
    t.deepEqual(Object.keys(problemsOf(t, { MONO_BASE_URL: url })), ["MONO_BASE_URL"]);
  });
}

test("bad encryption keys: each entry is told by its position", (t) => {
  const good = key(1);
  const cases: [string, string][] = [
    [good, "entry 1 has no colon between id and key"],
    [`a:${good},`, "entry 2 is empty"],
    [`${good}:a`, "entry 1 has an id that is not 1 to 32 letters, digits, dots, dashes or underscores"],
    [`a:not-base64!`, "entry 1 has a key that is not base64"],
    ["a:c2hvcnQ=", "entry 1 has a key of 5 bytes where 32 are needed"],
    [`a:${good},a:${key(2)}`, "entries 1 and 2 have the same id"],
    [`a:${good},b:${good}`, "entries 1 and 2 have the same key under two ids"],
    [`a:${Buffer.alloc(32).toString("base64")}`, "entry 1 has a key whose bytes are all the same"],
  ];
  for (const [text, expected] of cases) {
    const error = t.throws(() => parseEnvironment({ TIDEMARK_ENCRYPTION_KEYS: text }), {
      instanceOf: EnvironmentError,
    });
    t.true(error?.message.includes(expected), `${expected} in ${error?.message}`);
    t.false(error?.message.includes(good.slice(0, 12)));
  }
});

test("a name that nearly is ours is answered with ours", (t) => {
  t.deepEqual(
    problemsOf(t, {
      TIDEMARK_ENCRYPTION_KEY: "x",
      MOMO_SUBSCRIPTON_KEY: "x",
      mono_base_url: "x",
      DATABSE_URL: "postgres://localhost/app",
    }),
    {
      TIDEMARK_ENCRYPTION_KEY: "is unknown: did you mean TIDEMARK_ENCRYPTION_KEYS?",
      MOMO_SUBSCRIPTON_KEY: "is unknown: did you mean MOMO_SUBSCRIPTION_KEY?",
      mono_base_url: "is unknown: did you mean MONO_BASE_URL?",
      DATABSE_URL: "is unknown: did you mean DATABASE_URL?",
    },
  );
  t.deepEqual(problemsOf(t, { MONO_WHATEVER_THIS_IS: "x" }), {
    MONO_WHATEVER_THIS_IS:
      "is unknown: the variables that begin with MONO_ are MONO_BASE_URL, MONO_SECRET_KEY, MONO_WEBHOOK_SECRET",
  });
});

test("other people's variables are left alone", (t) => {
  const others = {
    HOME: "/root",
    PATH: "/bin",
    DATABASE_URL_REPLICA: "postgres://replica/app",
    PORTS: "1",
    TIDEMARK_SERVICE_HOST: "10.0.0.1",
    TIDEMARK_SERVICE_PORT_HTTP: "4100",
    TIDEMARK_PORT: "tcp://10.0.0.1:4100",
    TIDEMARK_PORT_4100_TCP_ADDR: "10.0.0.1",
  };
  t.notThrows(() => parseEnvironment(others));
  // The control: the same names are a mistake when Kubernetes did not write them.
  t.deepEqual(Object.keys(problemsOf(t, { TIDEMARK_PORT: "4100", TIDEMARK_PORT_4100: "x" })), [
    "TIDEMARK_PORT",
    "TIDEMARK_PORT_4100",
  ]);
  // Close to a name that is set: somebody's second database, not a slip.
  t.notThrows(() => parseEnvironment({ DATABASE_URL: "postgres://localhost/app", DATABASE_URL2: "x" }));
});

test("no message repeats a value", (t) => {
  const canary = "canary7f3a";
  fc.assert(
    fc.property(
      fc.constantFrom(...variableNames, "MONO_SECRT_KEY", "TIDEMARK_KEY"),
      fc.string({ maxLength: 40 }),
      fc.string({ maxLength: 40 }),
      (name, before, after) => {
        try {
          parseEnvironment({ [name]: `${before}${canary}${after}` });
        } catch (error) {
          t.true(error instanceof EnvironmentError);
          return !String(error).includes(canary) && !JSON.stringify(error).includes(canary);
        }
        return true;
      },
    ),
  );
  t.pass();
});

test("without .env the environment speaks alone", async (t) => {
  t.deepEqual(loadEnvironment(await directoryWith(t, null), { PORT: "5000" }), parseEnvironment({ PORT: "5000" }));
});

test(".env is read, and the real environment wins, even when it is empty", async (t) => {
  const directory = await directoryWith(
    t,
    'PORT=5001\nLOG_LEVEL=warn\nMONO_SECRET_KEY="live_sk_file" # ours\nMOMO_SUBSCRIPTION_KEY=k\n',
  );
  const environment = loadEnvironment(directory, { PORT: "5000", MOMO_SUBSCRIPTION_KEY: "" });
  t.is(environment.PORT, 5000);
  t.is(environment.LOG_LEVEL, "warn");
  t.is(environment.MONO_SECRET_KEY, "live_sk_file");
  t.is(environment.MOMO_SUBSCRIPTION_KEY, undefined);
});

test("an .env that cannot be read is a problem, not an absence", async (t) => {
  const directory = await directoryWith(t, null);
  await mkdir(join(directory, ".env"));
  const error = t.throws(() => loadEnvironment(directory, {}), { instanceOf: EnvironmentError });
  t.deepEqual(error?.problems, [{ variable: ".env", problem: "cannot be read (EISDIR)" }]);
});

test(".env.example shows every variable once, in order, each under a comment, and every value it shows is accepted", async (t) => {
  const text = await readFile(join(import.meta.dirname, "../.env.example"), "utf8");
  const shown = [...text.matchAll(/^(.+)\n# ([A-Z0-9_]+)=(.*)$/gm)].map(([, above = "", name = "", value = ""]) => {
    return { above, name, value };
  });
  t.deepEqual(
    shown.map(({ name }) => name),
    [...variableNames],
  );
  for (const { above } of shown) t.regex(above, /^# [^=]+/);
  // The placeholders that cannot be values: a key that works does not belong in a file that everybody has.
  const placeholders = /^(?:TIDEMARK_(?:ENCRYPTION_KEYS|SERVICE_TOKENS|METRICS_TOKENS)|VAPID_.+)$/;
  const values = shown.filter(({ name }) => !placeholders.test(name));
  t.notThrows(() => parseEnvironment(Object.fromEntries(values.map(({ name, value }) => [name, value]))));
});
