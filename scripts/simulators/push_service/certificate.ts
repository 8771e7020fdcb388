import selfsigned from "selfsigned";

export type Certificate = { key: string; cert: string };

/**
 * A key and certificate (PEM) for localhost, made anew at each start: push services speak TLS, and a key that lay in the
 * repository would be everybody's. It vouches for itself only (CA:FALSE), so that whoever trusts it trusts nothing else.
 * By `selfsigned` because node:crypto makes no certificates and not every machine has openssl.
 */
export async function makeCertificate(): Promise<Certificate> {
  const { private: key, cert } = await selfsigned.generate([{ name: "commonName", value: "localhost" }], {
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
