/* AVA requires this file in every test process. */

import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import { listenForCanaries } from "./listen.ts";

listenForCanaries(() => relative(process.cwd(), fileURLToPath(test.meta.file)));
