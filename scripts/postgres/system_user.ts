/** Postgres refuses to run as root. Where we are root, its programs run as an ordinary system user instead. */

import { spawnSync } from "node:child_process";

export type SystemUser = { name: string; uid: number; gid: number };

/** We are root and there is no other user to run Postgres as. */
export class NoSystemUserError extends Error {
  override name = "NoSystemUserError";
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** What spawn() needs to run a program as `user`: in a folder that every user can enter. */
export function runAs(user: SystemUser | undefined): { uid?: number; gid?: number; cwd: string } {
  return user === undefined ? { cwd: "/" } : { uid: user.uid, gid: user.gid, cwd: "/" };
}

/** The user named or numbered `nameOrUid`, if the system knows one that is not root. */
export function findSystemUser(nameOrUid: string): SystemUser | undefined {
  const ask = (flag: string): string => {
    const answer = spawnSync("id", [flag, nameOrUid], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    return answer.status === 0 ? answer.stdout.trim() : "";
  };
  const name = ask("-un");
  const uid = Number(ask("-u"));
  return name === "" || uid === 0 ? undefined : { name, uid, gid: Number(ask("-g")) };
}

/**
 * A user to run Postgres as when we are root: `tidemark`, else a `postgres` that some package made, else a new
 * `tidemark`. initdb insists on a user that has a name, so a bare number would not do.
 */
export function unprivilegedUser(): SystemUser {
  const known = findSystemUser("tidemark") ?? findSystemUser("postgres");
  if (known !== undefined) return known;
  const made = spawnSync(
    "useradd",
    ["--system", "--user-group", "--no-create-home", "--shell", "/bin/false", "tidemark"],
    {
      encoding: "utf8",
    },
  );
  // Whoever made it: another process may have been faster than this one.
  const user = findSystemUser("tidemark");
  if (user !== undefined) return user;
  const reason = made.error?.message ?? made.stderr.trim();
  throw new NoSystemUserError(
    `Postgres refuses to run as root, and the system user tidemark cannot be made (${reason}); run this as an ordinary user`,
  );
}
