import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Client } from "pg";
import type { PushServiceSimulator } from "../simulators/push_service/simulator.ts";
import { demoUsers } from "./people.ts";
import type { DemoSimulators } from "./simulators.ts";

/**
 * Gives the demo's users something to be told on: the app on a phone, at OneSignal's simulator, and a browser at the push
 * service's. The embedded database learns that this push service is one, which no other database does.
 *
 * @param vapidPublicKey what their browsers subscribe with
 */
export async function giveDemoDevices(options: {
  databaseUrl: string;
  simulators: Pick<DemoSimulators, "oneSignal" | "pushService">;
  vapidPublicKey: string;
}): Promise<void> {
  const { databaseUrl, simulators, vapidPublicKey } = options;
  const { oneSignal, pushService } = simulators;
  const known = new Set(Object.keys(oneSignal?.state().users ?? {}));
  for (const { id } of demoUsers) if (!known.has(id)) oneSignal?.putUser(id);

  // Of this process only; the certificate is made anew at each start and vouches for nobody but itself.
  setDefaultCACertificates([...getCACertificates("default"), pushService.certificate]);
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query("set role app_owner");
    await client.query("delete from app_private.push_services where host = 'localhost' and port <> $1", [
      pushService.port,
    ]);
    await client.query(
      `insert into app_private.push_services (host, port, name) values ('localhost', $1, 'The simulated push service')
       on conflict do nothing`,
      [pushService.port],
    );
    for (const { id } of demoUsers) await subscribeOnce(client, pushService, id, vapidPublicKey);
  } finally {
    await client.end();
  }
}

/** One browser a person: that of an earlier start is found again, as long as the simulator remembers it. */
async function subscribeOnce(
  client: Client,
  pushService: PushServiceSimulator,
  userId: string,
  applicationServerKey: string,
): Promise<void> {
  const { rows } = await client.query<{ endpoint: string }>(
    "select endpoint from app_public.push_subscriptions where user_id = $1 and endpoint like $2 || '/%'",
    [userId, pushService.url],
  );
  const remembered = new Set(
    pushService
      .state()
      .subscriptions.filter(({ status }) => status === "active")
      .map(({ endpoint }) => endpoint),
  );
  if (rows.some(({ endpoint }) => remembered.has(endpoint))) return;
  const { endpoint, keys } = pushService.subscribe({ applicationServerKey });
  await client.query("select set_config('tidemark.user_id', $1, false)", [userId]);
  await client.query("select app_public.save_push_subscription($1, $2, $3)", [endpoint, keys.p256dh, keys.auth]);
}
