import { type Environment, EnvironmentError, loadEnvironment } from "../../db/environment.ts";
import { error, type Finding, warning } from "./finding.ts";

/** Parses the environment as every process does; null, and an error each, where it has problems. */
export function readEnvironment(
  directory: string,
  env: Record<string, string | undefined>,
): { environment: Environment | null; findings: Finding[] } {
  try {
    return { environment: loadEnvironment(directory, env), findings: [] };
  } catch (thrown) {
    if (!(thrown instanceof EnvironmentError)) throw thrown;
    return {
      environment: null,
      findings: thrown.problems.map(({ variable, problem }) => error(`${variable} ${problem}`)),
    };
  }
}

/** What a well-formed environment lacks, without asking the database. */
export function environmentFindings(environment: Environment): Finding[] {
  const findings: Finding[] = [];
  const missing = (name: keyof Environment): boolean => environment[name] === undefined;
  if (missing("DATABASE_URL")) findings.push(error("DATABASE_URL is not set: server and workers need their database."));
  if (missing("TIDEMARK_ENCRYPTION_KEYS")) {
    findings.push(
      error(
        "TIDEMARK_ENCRYPTION_KEYS is not set: workers do not start, and the server takes no links and no webhooks.",
      ),
    );
  }
  if (missing("MONO_SECRET_KEY") && missing("MOMO_SUBSCRIPTION_KEY")) {
    findings.push(error("Neither MONO_SECRET_KEY nor MOMO_SUBSCRIPTION_KEY is set: nothing would be synced."));
  } else if (missing("MONO_SECRET_KEY")) {
    findings.push(warning("MONO_SECRET_KEY is not set: Mono is off."));
  } else if (missing("MOMO_SUBSCRIPTION_KEY")) {
    findings.push(warning("MOMO_SUBSCRIPTION_KEY is not set: MTN MoMo is off."));
  }
  if (!missing("MONO_SECRET_KEY")) findings.push(...monoFindings(environment));
  if (missing("JWT_SECRET") && missing("JWT_JWKS_URL")) {
    findings.push(warning("Neither JWT_SECRET nor JWT_JWKS_URL is set: no user can sign in to the GraphQL API."));
  }
  if (missing("TIDEMARK_SERVICE_TOKENS")) {
    findings.push(warning("TIDEMARK_SERVICE_TOKENS is not set: no backend can use the internal endpoints."));
  }
  if (missing("ONESIGNAL_API_KEY") && missing("VAPID_PRIVATE_KEY")) {
    findings.push(
      warning(
        "Neither ONESIGNAL_API_KEY nor VAPID_PRIVATE_KEY is set: nobody is pushed to, and only the app's feed tells that a link has ended.",
      ),
    );
  }
  if (missing("TIDEMARK_METRICS_TOKENS")) {
    findings.push(
      warning(
        "TIDEMARK_METRICS_TOKENS is not set: the server answers /metrics to nobody, workers to this machine only.",
      ),
    );
  }
  return findings;
}

function monoFindings({
  MONO_SECRET_KEY: key = "",
  MONO_BASE_URL: url,
  MONO_WEBHOOK_SECRET: webhookSecret,
  PUBLIC_URL: publicUrl,
  NODE_ENV: mode,
}: Environment): Finding[] {
  const findings: Finding[] = [];
  if (webhookSecret === undefined) {
    findings.push(
      warning(
        "MONO_WEBHOOK_SECRET is not set: Mono's webhooks are refused, and a lost consent is noticed at the next sync.",
      ),
    );
  }
  if (publicUrl === undefined) {
    findings.push(
      warning("PUBLIC_URL is not set: nobody can renew a consent, because Mono would not know the way back."),
    );
  }
  if (mode === "production" && key.startsWith("test_")) {
    findings.push(warning("MONO_SECRET_KEY is a test key: Mono answers with made-up banks."));
  }
  if (mode === "production" && url.startsWith("http://")) {
    findings.push(warning("MONO_BASE_URL leads to this machine: a simulator, not Mono."));
  }
  return findings;
}
