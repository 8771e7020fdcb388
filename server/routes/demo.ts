import type { FastifyPluginAsync } from "fastify";
import { SignJWT } from "jose";
import { z } from "zod";

/** The demo of `npm start`: two people whom everybody at this machine may be. */
export type Demo = {
  users: readonly { id: string; name: string }[];
  /** Signs their tokens; it belongs to the demo's own database and opens no other. */
  secret: string;
};

const body = z.object({ user: z.string().max(100) });

/**
 * `POST /demo/sign-in {"user": "ada"}` answers a token that is good for a day. The route exists only where the server was
 * started on a database that it made itself.
 */
export const demoRoutes: FastifyPluginAsync<Demo> = async (app, { users, secret }) => {
  app.post("/demo/sign-in", { bodyLimit: 1024 }, async (request, reply) => {
    const asked = body.safeParse(request.body);
    const user = users.find(({ name }) => name.toLowerCase() === asked.data?.user.toLowerCase());
    if (user === undefined) {
      const names = users.map(({ name }) => `"${name.toLowerCase()}"`).join(" or ");
      return reply.code(422).send({ error: `The demo knows {"user": ${names}}.` });
    }
    const token = await new SignJWT({ role: "authenticated" })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user.id)
      .setAudience("authenticated")
      .setIssuedAt()
      .setExpirationTime("1 day")
      .sign(new TextEncoder().encode(secret));
    return { token, userId: user.id, name: user.name };
  });
};
