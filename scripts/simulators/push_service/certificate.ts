import { randomBytes } from "node:crypto";
import selfsigned from "selfsigned";

export type Certificate = { key: string; cert: string };

/**
 * A key and certificate (PEM) for localhost, made anew at each start: push services speak TLS, and a key that lay in the
 * repository would be everybody's. It vouches for itself only (CA:FALSE), so that whoever trusts it trusts nothing else.
 * By `selfsigned` because node:crypto makes no certificates and not every machine has openssl.
 */
export async function makeCertificate(): Promise<Certificate> {
  // A name of its own: of two trusted certificates with one name OpenSSL tries either, and does not try the other.
  const name = `push service simulator ${randomBytes(8).toString("hex")}`;
  const { private: key, cert } = await selfsigned.generate([{ name: "commonName", value: name }], {
    keyType: "ec",
    curve: "P-256",
    algorithm: "sha256",
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { key, cert };
}
