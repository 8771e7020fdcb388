import type { Bench } from "./bench.ts";
import { dispatch } from "./dispatch.ts";
import { ingest } from "./ingest.ts";
import { isolation } from "./isolation.ts";
import { latency } from "./latency.ts";
import { quiet } from "./quiet.ts";
import { resync } from "./resync.ts";
import { scale } from "./scale.ts";

export const benches: Readonly<Record<string, Bench>> = { quiet, ingest, resync, dispatch, latency, isolation, scale };
