/** Who sends: `Authorization: vapid t=<JWT>, k=<public key>` (RFC 8292). */
import { importJWK, jwtVerify } from "jose";

/** The sender's public key, or the status and words of the refusal. */
export type VapidCheck = { publicKey: string } | { status: 401 | 403; problem: string };

const refused = (problem: string): VapidCheck => ({ status: 401, problem });

/**
 * @param origin the service's own, which the token has to name as its audience
 * @param subscribedWith the public key that the browser subscribed with; null: none, and everybody may send
 */
export async function checkVapid(
  authorization: string | undefined,
  origin: string,
  subscribedWith: string | null,
): Promise<VapidCheck> {
  const [, token, publicKey] = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization ?? "") ?? [];
  if (token === undefined || publicKey === undefined) return refused("no VAPID authorization");
  const point = Buffer.from(publicKey, "base64url");
  if (point.length !== 65 || point[0] !== 4) return refused("the VAPID key is no uncompressed point");
  const jwk = {
    kty: "EC",
    crv: "P-256",
    x: point.subarray(1, 33).toString("base64url"),
    y: point.subarray(33).toString("base64url"),
  };
  try {
    const { payload } = await jwtVerify(token, await importJWK(jwk, "ES256"), {
      audience: origin,
      algorithms: ["ES256"],
    });
    if (payload.exp === undefined || payload.exp > Date.now() / 1000 + 86_400 + 60) {
      return refused("the token lives longer than a day");
    }
    if (!/^(?:mailto:|https:\/\/)/.test(payload.sub ?? "")) return refused("the token names nobody to ask");
  } catch (error) {
    return refused(`the token is not valid (${error instanceof Error ? error.name : "unknown"})`);
  }
  if (subscribedWith !== null && subscribedWith !== publicKey) {
    return { status: 403, problem: "the browser subscribed with another key" };
  }
  return { publicKey };
}
