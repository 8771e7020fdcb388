import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import test from "ava";
import { z } from "zod";
import { withClonedDb } from "../../db/testing/database.ts";
import { createApp } from "../app.ts";
import { createVerifier } from "../identity.ts";

const users = [
  { id: "a0000000-0000-4000-8000-000000000001", name: "Ada" },
  { id: "b0000000-0000-4000-8000-000000000002", name: "Kofi" },
];
const secret = "the demo's own secret, made for its database";

test(
  "the demo signs its two users in and nobody else; a server without a demo signs nobody in",
  withClonedDb(async (t, cloned) => {
    const log = unreadLog();
    const db = cloned.pool("app_authenticator");
    const demo = createApp({ db, log, demo: { users, secret } });
    const plain = createApp({ db, log });
    const signIn = (user: unknown) => ({ method: "POST", url: "/demo/sign-in", payload: { user } }) as const;

    const kofi = await demo.inject(signIn("kofi"));
    t.is(kofi.statusCode, 200);
    const { token } = z.object({ token: z.string() }).parse(kofi.json());
    t.is((await createVerifier({ JWT_SECRET: secret, JWT_AUDIENCE: "authenticated" })(token))?.userId, users[1]?.id);

    t.is((await demo.inject(signIn("eve"))).statusCode, 422);
    t.is((await demo.inject(signIn(["ada"]))).statusCode, 422);
    t.is((await plain.inject(signIn("ada"))).statusCode, 404);
    await Promise.all([demo.close(), plain.close()]);
  }),
);
