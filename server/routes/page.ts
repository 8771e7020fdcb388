import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync } from "fastify";

export type PageOptions = {
  /** The built page: server/web/build_page.ts. */
  folder: string;
  /** Whom the demo's sign-in knows; none elsewhere. */
  demoUsers: readonly string[];
  /** The app that people come from, and are sent back to when their token has ended. */
  signInUrl: string | undefined;
};

const YEAR_SECONDS = 365 * 86_400;

/**
 * The settings page, its service worker and its files. Those under /assets have a hash in their name and never change;
 * whether the others have, is asked each time.
 */
export const pageRoutes: FastifyPluginAsync<PageOptions> = async (app, { folder, demoUsers, signInUrl }) => {
  await app.register(fastifyStatic, {
    root: folder,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const isNamedByHash = path.startsWith(`${folder}/assets/`);
      void reply.header("cache-control", isNamedByHash ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache");
    },
  });
  app.get("/page/sign_in.json", (_request, reply) =>
    reply.header("cache-control", "no-cache").send({ demoUsers, signInUrl: signInUrl ?? null }),
  );
};
