import type { Bench } from "./bench.ts";
import { ingest } from "./ingest.ts";
import { quiet } from "./quiet.ts";
import { resync } from "./resync.ts";

/** By the names that `npm run bench -- NAME` takes, in the order of a run of all. */
export const benches: Readonly<Record<string, Bench>> = { quiet, ingest, resync };
