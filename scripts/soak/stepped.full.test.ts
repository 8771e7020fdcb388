import test from "ava";
import { nothingBreaks } from "./stepped_seed.ts";

for (const seed of [102, 103, 104, 105, 106]) {
  test.serial(`faults, kills and late wakers lose nothing and double nothing: seed ${seed}`, nothingBreaks(seed));
}
