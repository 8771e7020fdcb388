/** `npm run format`: puts every file into the shape that `npm run check` wants. */

import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const prettier = spawnSync(join(root, "node_modules", ".bin", "prettier"), ["--write", "--log-level", "warn", "."], {
  cwd: root,
  stdio: "inherit",
});
if (prettier.error !== undefined) throw prettier.error;
process.exitCode = prettier.status ?? 1;
