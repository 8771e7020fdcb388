/** `PATCH /apps/:app/users/by/external_id/:id` (OneSignal docs, update user). The shape of its 404 is known from SDKs only. */
import { z } from "zod";
import { type Handler, json } from "../http.ts";
import type { World } from "./world.ts";

const updateSchema = z.looseObject({
  properties: z.looseObject({ tags: z.record(z.string(), z.string()).optional() }).optional(),
});

export const updateUser =
  (world: World, appId: string): Handler =>
  ({ body, params }) => {
    const { app, label, id = "" } = params;
    if (app !== appId) return json(400, { errors: [{ code: "bad-request", title: "app_id is not valid" }] });
    const parsed = updateSchema.safeParse(body);
    if (!parsed.success) return json(400, { errors: [{ code: "bad-request", title: "Tags must be text" }] });
    if (label !== "external_id" || !world.state.users.has(id)) {
      return json(404, { errors: [{ code: "not-found", title: "User not found" }] });
    }
    world.record({
      kind: "tags_set",
      at: world.clock.now(),
      externalId: id,
      tags: parsed.data.properties?.tags ?? {},
    });
    return json(202, { properties: { tags: world.state.users.get(id)?.tags ?? {} } });
  };
