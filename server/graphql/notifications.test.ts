import test from "ava";
import { createECDH, randomBytes } from "node:crypto";
import { alice, bob, linkMono } from "../../db/testing/world.ts";
import { tokenOf, withApi } from "../testing/graphql_api.ts";

test(
  "the feed in words: in the language that is asked for, else in the one that was chosen, else in English",
  withApi(async (t, api, owner) => {
    const account = await linkMono(owner, { accountName: "Rent" });
    await owner.query(
      `insert into app_public.notifications (user_id, account_id, platform_source, kind, params, created_at) values
         ($1, $2, 'mono', 'reauth_required', '{}', now()),
         ($1, $2, 'mono', 'recovered', '{"newTransactions": 37}', now()),
         ($1, null, 'mtn_momo', 'provider_down', '{}', now()),
         ($1, null, 'mono', 'provider_down', '{"institution": "GTBank"}', now())`,
      [alice, account.accountId],
    );
    const token = await tokenOf(alice);
    const feed = async (language = "") => {
      const { data, errors } = await api.ask(
        `{ notifications { nodes { title${language} body${language} } } }`,
        {},
        token,
      );
      t.is(errors, undefined);
      return JSON.stringify(data);
    };
    const english = await feed();
    for (const words of [
      "Reconnect Rent",
      "37 new transactions",
      "MTN MoMo API cannot be reached",
      "GTBank cannot be reached",
    ]) {
      t.true(english.includes(words), words);
    }
    const french = await feed("(language: fr)");
    t.true(french.includes("Reconnectez Rent") && french.includes("37 nouvelles transactions"));
    const chosen = await api.ask(
      "mutation { chooseNotificationSettings(input: { language: fr }) { result { language } } }",
      {},
      token,
    );
    t.deepEqual(chosen.data, { chooseNotificationSettings: { result: { language: "fr" } } });
    t.is(await feed(), french);
    t.is(await feed("(language: en)"), english);
  }),
);

test(
  "a page of the feed costs as many statements as one entry",
  withApi(async (t, api, owner) => {
    const token = await tokenOf(alice);
    const accounts = [await linkMono(owner), await linkMono(owner), await linkMono(owner)];
    for (const { accountId } of accounts) {
      await owner.query(
        `insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at)
         select $1, $2, 'mono', 'sync_failing', now() from generate_series(1, 10)`,
        [alice, accountId],
      );
    }
    const costOf = async (first: number) => {
      const before = api.statements();
      const { data } = await api.ask(`{ notifications(first: ${first}) { nodes { title body } } }`, {}, token);
      t.is(JSON.stringify(data).split('"title"').length - 1, first);
      return api.statements() - before;
    };
    await costOf(1);
    t.is(await costOf(30), await costOf(1));
  }),
);

test(
  "how one wants to be told: read and chosen, with an error where a choice makes no sense",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    const fields =
      "language timeZone quietHours quietFrom quietTo paused tellRecovery channels { platformSource channel enabled }";
    const read = async (who = token) => (await api.ask(`{ notificationPreferences { ${fields} } }`, {}, who)).data;
    const channels = ["mono", "mtn_momo"].flatMap((platformSource) =>
      ["onesignal", "web_push"].map((channel) => ({ platformSource, channel, enabled: true })),
    );
    const byDefault = {
      language: "en",
      timeZone: "UTC",
      quietHours: true,
      quietFrom: "22:00",
      quietTo: "07:00",
      paused: false,
      tellRecovery: false,
      channels,
    };
    t.deepEqual(await read(), { notificationPreferences: byDefault });
    const chosen = await api.ask(
      `mutation { chooseNotificationSettings(input: { timeZone: "Africa/Accra", quietFrom: "21:30", paused: true }) { result { ${fields} } } }`,
      {},
      token,
    );
    const result = { ...byDefault, timeZone: "Africa/Accra", quietFrom: "21:30", paused: true };
    t.deepEqual(chosen.data, { chooseNotificationSettings: { result } });
    await api.ask(
      "mutation { chooseNotificationChannel(input: { platformSource: mono, channel: web_push, enabled: false }) { result { paused } } }",
      {},
      token,
    );
    t.deepEqual(await read(), {
      notificationPreferences: {
        ...result,
        channels: channels.map((one) => ({
          ...one,
          enabled: !(one.platformSource === "mono" && one.channel === "web_push"),
        })),
      },
    });
    t.deepEqual(await read(await tokenOf(bob)), { notificationPreferences: byDefault });
    const refused = await api.ask(
      `mutation { chooseNotificationSettings(input: { timeZone: "Accra" }) { result { timeZone } } }`,
      {},
      token,
    );
    t.is(refused.errors?.[0]?.extensions?.code, "SETNV");
  }),
);

test(
  "a browser is saved, listed and removed by its owner; one of no push service is refused",
  withApi(async (t, api) => {
    const token = await tokenOf(alice);
    const endpoint = "https://fcm.googleapis.com/fcm/send/one";
    const subscription = {
      endpoint,
      p256dh: createECDH("prime256v1").generateKeys("base64url"),
      auth: randomBytes(16).toString("base64url"),
    };
    const save = (input: unknown) =>
      api.ask(
        "mutation ($input: SavePushSubscriptionInput!) { savePushSubscription(input: $input) { result { endpoint lastDeliveredAt } } }",
        { input },
        token,
      );
    const saved = await save(subscription);
    t.deepEqual(saved.data, { savePushSubscription: { result: { endpoint, lastDeliveredAt: null } } });
    const refused = await save({ ...subscription, endpoint: "https://169.254.169.254/latest" });
    t.is(refused.errors?.[0]?.extensions?.code, "PSHNV");
    const list = async (who: string) => (await api.ask("{ pushSubscriptions { endpoint } }", {}, who)).data;
    t.deepEqual(await list(token), { pushSubscriptions: [{ endpoint }] });
    t.deepEqual(await list(await tokenOf(bob)), { pushSubscriptions: [] });
    const remove = (who: string) =>
      api.ask(
        "mutation ($input: RemovePushSubscriptionInput!) { removePushSubscription(input: $input) { result { endpoint } } }",
        { input: { endpoint } },
        who,
      );
    t.deepEqual((await remove(await tokenOf(bob))).data, { removePushSubscription: { result: null } });
    t.deepEqual((await remove(token)).data, { removePushSubscription: { result: { endpoint } } });
    t.deepEqual(await list(token), { pushSubscriptions: [] });
  }),
);
