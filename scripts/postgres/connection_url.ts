/**
 * Takes the password out of a connection URL, from before the `@` or from `?password=`. By pattern and not by `new URL`,
 * because Postgres takes forms that are no URL elsewhere: a socket's folder for a host, several hosts.
 */
export function withoutPassword(databaseUrl: string): { url: string; password: string | null } {
  const [base = "", ...queries] = databaseUrl.split("?");
  const login = /^(?<start>postgres(?:ql)?:\/\/[^:@/]*):(?<password>[^@/]*)(?<rest>@.*)$/.exec(base)?.groups;
  const parameters = queries.join("?").split("&");
  const parameter = parameters.find((each) => each.startsWith("password="));
  const kept = parameters.filter((each) => each !== "" && !each.startsWith("password="));
  const encoded = parameter?.slice("password=".length) ?? login?.["password"];
  return {
    url: `${login === undefined ? base : `${login["start"]}${login["rest"]}`}${kept.length === 0 ? "" : `?${kept.join("&")}`}`,
    password: encoded === undefined || encoded === "" ? null : decodeURIComponent(encoded),
  };
}
