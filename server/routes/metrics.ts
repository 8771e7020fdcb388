import type { FastifyPluginAsync } from "fastify";
import { holderOf, type ServiceToken } from "../../db/service_tokens.ts";
import type { Metrics } from "../../tasks/@metrics/metrics.ts";

export type MetricsOptions = {
  metrics: Metrics;
  /** Who may read them. `anyone` is for a server that only its own machine can reach. */
  readers: readonly ServiceToken[] | "anyone";
};

/**
 * `/metrics` for Prometheus. This port is the public one, and behind a proxy everybody seems to come from this machine, so
 * where somebody asks from counts for nothing: without a token nobody reads.
 */
export const metricsRoute: FastifyPluginAsync<MetricsOptions> = async (app, { metrics, readers }) => {
  app.get("/metrics", async (request, reply) => {
    if (readers !== "anyone" && holderOf(readers, request.headers.authorization) === null) {
      return reply
        .code(401)
        .header("www-authenticate", 'Bearer realm="tidemark metrics"')
        .send({ error: "/metrics is for the holders of TIDEMARK_METRICS_TOKENS: send Authorization: Bearer." });
    }
    const { contentType, text } = await metrics.render();
    return reply.header("content-type", contentType).send(text);
  });
};
