/** Mono Connect: links that expire in minutes, and the codes they end in. */
import { randomFor, type Seed } from "../random.ts";
import { BadRequest, UnknownThing } from "./errors.ts";

/** A code lives ten minutes (Mono docs, connect); how long a link lives they leave open, ours lives as long. */
export const CODE_LIFE_MS = 10 * 60_000;
export const LINK_LIFE_MS = 10 * 60_000;

export type NewConnection = {
  scope: "auth" | "reauth";
  /** The customer who links, or null for a re-auth. */
  customer: string | null;
  /** The account to re-authorise, or null for a link. */
  account: string | null;
  redirectUrl: string | null;
  ref: string | null;
  institution: string | null;
  createdAt: number;
};

export type Connection = NewConnection & { token: string; used: boolean };

export class Connections {
  readonly #seed: Seed;
  #connections = new Map<string, Connection>();
  #codes = new Map<string, { account: string; createdAt: number; used: boolean }>();

  constructor(seed: Seed) {
    this.#seed = seed;
  }

  /** @returns the token in the link. */
  initiate(connection: NewConnection): string {
    const token = `ALP${randomFor(this.#seed, "connection", this.#connections.size).hex(12).toUpperCase()}`;
    this.#connections.set(token, { ...connection, token, used: false });
    return token;
  }

  /** @throws UnknownThing */
  find(token: string): Connection {
    const connection = this.#connections.get(token);
    if (connection === undefined) throw new UnknownThing("No such link");
    return connection;
  }

  /** @throws BadRequest when the link was used or is too old. */
  open(token: string, at: number): Connection {
    const connection = this.find(token);
    if (connection.used) throw new BadRequest("This link was used");
    if (at >= connection.createdAt + LINK_LIFE_MS) throw new BadRequest("This link has expired");
    return connection;
  }

  use(connection: Connection): void {
    connection.used = true;
  }

  issueCode(account: string, at: number): string {
    const code = `code_${randomFor(this.#seed, "code", this.#codes.size).hex(20)}`;
    this.#codes.set(code, { account, createdAt: at, used: false });
    return code;
  }

  /** @returns the account's id. @throws BadRequest for a code that is unknown, used or older than ten minutes. */
  exchange(code: string, at: number): string {
    const issued = this.#codes.get(code);
    if (issued === undefined || issued.used || at >= issued.createdAt + CODE_LIFE_MS) {
      throw new BadRequest("Invalid or expired code");
    }
    issued.used = true;
    return issued.account;
  }
}
