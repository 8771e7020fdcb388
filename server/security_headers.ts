import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import type { FastifyInstance } from "fastify";

/**
 * What browsers are told of every answer: security headers, and which pages of other origins may read it. Ruru brings
 * scripts and workers of its own, so the content policy is not for it; it is served in development only.
 */
export function guardBrowsers(app: FastifyInstance, { corsOrigins }: { corsOrigins: readonly string[] }): void {
  app.addHook("onRoute", (route) => {
    if (route.url.startsWith("/ruru"))
      route.helmet = { contentSecurityPolicy: false, crossOriginEmbedderPolicy: false };
  });
  app.register(helmet, {
    global: true,
    // Plain http is what the demo, and a server behind a proxy, are spoken to by; its links are relative.
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });
  app.register(cors, {
    origin: corsOrigins.length === 0 ? false : [...corsOrigins],
    methods: ["GET", "POST"],
    allowedHeaders: ["authorization", "content-type"],
    exposedHeaders: ["retry-after"],
    maxAge: 600,
  });
}
