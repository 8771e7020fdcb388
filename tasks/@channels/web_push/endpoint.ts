import type { PushService } from "../../../db/queries/push_services.ts";

/** The same expression as in db/functions/push_service_of.sql, which says why it is so strict. */
const ENDPOINT = /^https:\/\/([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]+$/;

/**
 * The push service that an endpoint belongs to, null where it is none that we may call. Asked again at the moment of
 * sending, because whatever stands in the database by then is called from inside our network.
 */
export function pushServiceOf(endpoint: string, services: readonly PushService[]): PushService | null {
  if (endpoint.length > 2_000) return null;
  const [, host, port = "443"] = ENDPOINT.exec(endpoint) ?? [];
  if (host === undefined || !URL.canParse(endpoint) || new URL(endpoint).hostname !== host) return null;
  return services.find((service) => service.port === Number(port) && covers(service.host, host)) ?? null;
}

function covers(pattern: string, host: string): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  const under = pattern.slice(1);
  return host.endsWith(under) && host.length > under.length;
}
