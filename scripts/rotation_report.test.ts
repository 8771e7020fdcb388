import test from "ava";
import { progressLine, summaryOf } from "./rotation_report.ts";

const bad = { accountId: "0b51d9a2-5a26-4c8e-9f6e-1234567890ab", kind: "momo_api_key", keyId: "lost" };

test("how far it is", (t) => {
  t.is(progressLine({ resealed: 500, unopenable: [], complete: false }), "500 re-sealed …");
  t.is(progressLine({ resealed: 500, unopenable: [bad], complete: false }), "500 re-sealed, 1 cannot be opened …");
});

test("each ending says what to do next", (t) => {
  const keyId = "new";
  t.is(
    summaryOf({ resealed: 1, unopenable: [], complete: true }, { keyId, interrupted: false }),
    '1 credential re-sealed with key "new".\nNothing is left under another key: the old ones may be removed.',
  );
  t.is(
    summaryOf({ resealed: 2, unopenable: [bad], complete: true }, { keyId, interrupted: false }),
    [
      '2 credentials re-sealed with key "new".',
      'Cannot be opened: momo_api_key of account 0b51d9a2-5a26-4c8e-9f6e-1234567890ab, sealed with key "lost".',
      "Everything else is done. Add the missing key and run this again, or link those accounts anew.",
    ].join("\n"),
  );
  const many = Array.from({ length: 101 }, () => bad);
  const gaveUp = summaryOf({ resealed: 0, unopenable: many, complete: false }, { keyId, interrupted: false });
  t.regex(gaveUp, /… and 81 more\.\nToo many cannot be opened/);
  t.regex(
    summaryOf({ resealed: 9, unopenable: [], complete: false }, { keyId, interrupted: true }),
    /run this again to go on\.$/,
  );
  t.regex(
    summaryOf({ resealed: 0, unopenable: [], complete: false }, { keyId, interrupted: false }),
    /do all processes know the new key\?/,
  );
});
