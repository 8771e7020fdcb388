import type { Pool } from "pg";
import { codeOf } from "../../db/errors.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { type Linked, linkNewAccount, type NewLink } from "../../tasks/@linking/link_new_account.ts";
import { UsageError } from "../usage.ts";

/**
 * Links one account, or says in a sentence why not (UsageError): the link makes no sense, belongs to another account, was
 * ended for good, or is to take up again an account that this user does not have.
 */
export async function linkOrRefuse(db: Pool, keyring: Keyring, link: NewLink): Promise<Linked> {
  const client = await db.connect();
  try {
    await client.query("begin");
    const linked = await linkNewAccount(client, keyring, link);
    if (link.resume !== undefined && linked.outcome === "linked") {
      throw new UsageError("There is no account with the id of --relink, so nothing was linked.");
    }
    await client.query("commit");
    return linked;
  } catch (error) {
    await client.query("rollback");
    const code = codeOf(error);
    if (error instanceof Error && (code === "LNKNV" || code === "LNKDP" || code === "LNKGN")) {
      throw new UsageError(error.message, { cause: error });
    }
    throw error;
  } finally {
    client.release();
  }
}
