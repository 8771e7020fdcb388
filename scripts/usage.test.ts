import { once } from "node:events";
import { createServer } from "node:net";
import test from "ava";
import { CredentialError } from "../tasks/@credentials/credential_error.ts";
import { DataFolderError, DataFolderInUseError } from "./postgres/data_folder.ts";
import { PostgresStartError } from "./postgres/embedded.ts";
import { MissingPostgresFilesError } from "./postgres/native_files.ts";
import { sentenceFor, UsageError } from "./usage.ts";

test("what is written for operators is told as it is; a defect of ours keeps its stack", (t) => {
  for (const kind of [
    UsageError,
    DataFolderError,
    DataFolderInUseError,
    MissingPostgresFilesError,
    PostgresStartError,
  ]) {
    t.is(sentenceFor(new kind("What to do.")), "What to do.", kind.name);
  }
  t.is(sentenceFor(new CredentialError("wrong key", "k")), "wrong key");
  t.is(sentenceFor(new Error("oops")), null);
  t.is(sentenceFor(new TypeError("oops")), null);
  t.is(sentenceFor("oops"), null);
});

test("a port that is taken is named, with the way out", async (t) => {
  const first = createServer().listen(0, "127.0.0.1");
  await once(first, "listening");
  t.teardown(() => first.close());
  const address = first.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const second = createServer().listen(port, "127.0.0.1");
  const error = await new Promise<Error>((tell) => second.once("error", tell));
  t.regex(sentenceFor(error) ?? "", new RegExp(`^Port ${port} is taken: stop what uses it, or choose another \\(PORT`));
});
