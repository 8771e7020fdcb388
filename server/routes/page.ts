import fastifyStatic from "@fastify/static";
import type { FastifyPluginAsync } from "fastify";

/** What the page asks its server about; page_settings.ts parses it there. */
type PageSettings = {
  /** Whom the demo's sign-in knows; none elsewhere. */
  demoUsers: readonly string[];
  /** The app that people come from, and are sent back to when their token has ended. */
  signInUrl: string | undefined;
  /** Its VAPID key, where it pushes to browsers. */
  vapidPublicKey: string | undefined;
};

export type PageOptions = PageSettings & {
  /** The built page: server/web/build_page.ts. */
  folder: string;
};

const YEAR_SECONDS = 365 * 86_400;

/**
 * The settings page, its service worker and its files. Those under /assets have a hash in their name and never change;
 * whether the others have, is asked each time.
 */
export const pageRoutes: FastifyPluginAsync<PageOptions> = async (app, options) => {
  const { folder, demoUsers, signInUrl, vapidPublicKey } = options;
  await app.register(fastifyStatic, {
    root: folder,
    preCompressed: true,
    cacheControl: false,
    setHeaders(reply, path) {
      const isNamedByHash = path.startsWith(`${folder}/assets/`);
      void reply.header("cache-control", isNamedByHash ? `public, max-age=${YEAR_SECONDS}, immutable` : "no-cache");
    },
  });
  app.get("/page/settings.json", (_request, reply) =>
    reply
      .header("cache-control", "no-cache")
      .send({ demoUsers, signInUrl: signInUrl ?? null, vapidPublicKey: vapidPublicKey ?? null }),
  );
};
