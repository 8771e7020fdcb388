import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";

const pushService = z.object({
  /** `*.example.com` is every host under it, and not it. */
  host: z.string(),
  port: z.int(),
  name: z.string(),
});

/** A place where a browser's subscription may lead. */
export type PushService = z.infer<typeof pushService>;

export const listPushServices = (db: Queryable): Promise<PushService[]> =>
  rows(db, pushService, "select host, port, name from app_private.list_push_services()", []);
