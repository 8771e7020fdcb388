import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Environment } from "../../db/environment.ts";
import type { PlatformSource } from "../../db/queries/runs.ts";
import { type MomoSimulator, startMomoSimulator } from "../simulators/momo/simulator.ts";
import { type MonoSimulator, startMonoSimulator } from "../simulators/mono/simulator.ts";
import { type OneSignalSimulator, startOneSignalSimulator } from "../simulators/onesignal/simulator.ts";
import { type PushServiceSimulator, startPushServiceSimulator } from "../simulators/push_service/simulator.ts";
import { UsageError } from "../usage.ts";

export type DemoSimulators = {
  mono: MonoSimulator | null;
  momo: MomoSimulator | null;
  platforms: ReadonlySet<PlatformSource>;
  oneSignal: OneSignalSimulator | null;
  /** Always there: with it browsers that nobody has to open. Real ones go to their own services. */
  pushService: PushServiceSimulator;
  /** What turns the platforms and OneSignal on and points them here. */
  environment: Partial<Environment>;
  /** From now on Mono's webhooks go to this server. */
  callServer(url: string): void;
  close(): Promise<void>;
};

/** The demo's world is always the same one. */
const SEED = "tidemark demo";

/**
 * Simulators for the platforms and channels that have no keys, on the ports after the server's, which stay the same from
 * start to start because tracked references and subscriptions remember where they were made. What was done to them is
 * kept in `data`.
 *
 * @throws UsageError where a port is taken
 */
export async function startDemoSimulators(options: {
  environment: Environment;
  data: string;
}): Promise<DemoSimulators> {
  const { environment, data } = options;
  const port = (after: number): number => (environment.PORT === 0 ? 0 : environment.PORT + after);
  const close: (() => Promise<void>)[] = [];
  try {
    const mono = environment.MONO_SECRET_KEY === undefined ? await startMono(port(1), data) : null;
    if (mono !== null) close.push(() => mono.close());
    const momo = environment.MOMO_SUBSCRIPTION_KEY === undefined ? await startMomo(port(2), port(3), data) : null;
    if (momo !== null) close.push(() => momo.close());
    const oneSignal = environment.ONESIGNAL_API_KEY === undefined ? await startOneSignal(port(4), data) : null;
    if (oneSignal !== null) close.push(() => oneSignal.close());
    const pushService = await startPushService(port(5), data);
    close.push(() => pushService.close());
    const platforms = new Set<PlatformSource>();
    if (mono !== null) platforms.add("mono");
    if (momo !== null) platforms.add("mtn_momo");
    const webhookSecret = randomBytes(16).toString("hex");
    return {
      mono,
      momo,
      platforms,
      oneSignal,
      pushService,
      environment: {
        ...(oneSignal === null
          ? {}
          : {
              ONESIGNAL_BASE_URL: oneSignal.url,
              ONESIGNAL_APP_ID: oneSignal.appId,
              ONESIGNAL_API_KEY: oneSignal.apiKey,
            }),
        ...(mono === null
          ? {}
          : { MONO_BASE_URL: mono.url, MONO_SECRET_KEY: mono.secretKey, MONO_WEBHOOK_SECRET: webhookSecret }),
        ...(momo === null
          ? {}
          : {
              MOMO_BASE_URL: momo.url,
              MOMO_SUBSCRIPTION_KEY: momo.subscriptionKeys[0],
              MOMO_TARGET_ENVIRONMENT: "sandbox",
              MADAPI_BASE_URL: momo.statementUrl,
            }),
      },
      callServer: (url) => mono?.configureWebhooks({ url: `${url}/webhooks/mono`, secret: webhookSecret }),
      async close() {
        for (const one of close) await one();
      },
    };
  } catch (error) {
    for (const one of close) await one();
    throw error;
  }
}

const startMono = (port: number, data: string): Promise<MonoSimulator> =>
  listening(port, () => startMonoSimulator({ seed: SEED, port, statePath: join(data, "mono-simulator.jsonl") }));

const startMomo = (port: number, statementPort: number, data: string): Promise<MomoSimulator> =>
  listening(port, () =>
    startMomoSimulator({ seed: SEED, port, statementPort, statePath: join(data, "momo-simulator.jsonl") }),
  );

const startOneSignal = (port: number, data: string): Promise<OneSignalSimulator> =>
  listening(port, () =>
    startOneSignalSimulator({ seed: SEED, port, statePath: join(data, "onesignal-simulator.jsonl") }),
  );

const startPushService = (port: number, data: string): Promise<PushServiceSimulator> =>
  listening(port, () =>
    startPushServiceSimulator({ seed: SEED, port, statePath: join(data, "push-service-simulator.jsonl") }),
  );

async function listening<T>(port: number, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") {
      throw new UsageError(
        `Port ${port} (or the one after it) is taken: stop what uses it, or choose another PORT; the simulators take the five after it.`,
        { cause: error },
      );
    }
    throw error;
  }
}
