/** Linking and re-authorising, institutions, customers, and the page that stands for Mono's widget. */
import { z } from "zod";
import { empty, text, type Reply, type Route, type SimulatorRequest } from "../http.ts";
import { LINK_LIFE_MS } from "./connect.ts";
import { successful } from "./envelopes.ts";
import { institutions } from "./institutions.ts";
import type { World } from "./world.ts";

const reference = z.looseObject({ ref: z.string().exactOptional() });

const linkBody = z.looseObject({
  customer: z.union([z.looseObject({ id: z.string() }), z.looseObject({ name: z.string(), email: z.email() })]),
  scope: z.literal("auth"),
  redirect_url: z.url(),
  meta: reference.exactOptional(),
  institution: z.looseObject({ id: z.string() }).exactOptional(),
});

const reauthBody = z.looseObject({
  account: z.string(),
  scope: z.literal("reauth"),
  redirect_url: z.url().exactOptional(),
  meta: reference.exactOptional(),
});

const customerBody = z.looseObject({ name: z.string().min(1), email: z.email() });

export type ConnectScene = { world: () => World; baseUrl: () => string };

export function connectRoutes({ world, baseUrl }: ConnectScene): Route[] {
  const link = (request: SimulatorRequest): Reply => {
    const body = linkBody.parse(request.body);
    const customer =
      "id" in body.customer
        ? world().customer(z.string().parse(body.customer.id)).id
        : world().perform({
            kind: "create_customer",
            ...customerBody.pick({ name: true, email: true }).strip().parse(body.customer),
          });
    const token = world().perform({
      kind: "initiate",
      scope: "auth",
      customer,
      account: null,
      redirectUrl: body.redirect_url,
      ref: body.meta?.ref ?? null,
      institution: body.institution?.id ?? null,
    });
    return successful(world().now(), "Request was successfully completed", {
      mono_url: `${baseUrl()}/connect/${token}`,
      customer,
      meta: body.meta ?? {},
      scope: body.scope,
      redirect_url: body.redirect_url,
      created_at: new Date(world().now()).toISOString(),
    });
  };

  const reauth = (request: SimulatorRequest): Reply => {
    const body = reauthBody.parse(request.body);
    const account = world().account(body.account);
    const token = world().perform({
      kind: "initiate",
      scope: "reauth",
      customer: null,
      account: account.id,
      redirectUrl: body.redirect_url ?? null,
      ref: body.meta?.ref ?? null,
      institution: null,
    });
    return successful(world().now(), "Request was successfully completed", {
      mono_url: `${baseUrl()}/connect/${token}`,
      customer: account.customer,
      account: account.id,
      meta: body.meta ?? {},
      scope: body.scope,
      institution: { id: account.bank.institution.id, auth_method: account.authMethod },
      auth_method: account.authMethod,
      redirect_url: body.redirect_url ?? null,
      created_at: new Date(world().now()).toISOString(),
    });
  };

  const initiate = (request: SimulatorRequest): Reply => {
    const { scope } = z.looseObject({ scope: z.enum(["auth", "reauth"]) }).parse(request.body);
    return scope === "auth" ? link(request) : reauth(request);
  };

  const exchange = (request: SimulatorRequest): Reply => {
    const { code } = z.looseObject({ code: z.string().min(1) }).parse(request.body);
    const id = world().perform({ kind: "exchange_code", code });
    return successful(world().now(), "Request was successfully completed", { id });
  };

  const listInstitutions = (): Reply =>
    successful(
      world().now(),
      "Institutions retrieved successfully",
      institutions.map(({ id, name, bankCode, nipCode, type }) => ({
        id,
        institution: name,
        type,
        nip_code: nipCode,
        bank_code: bankCode,
        country: "NG",
        auth_methods: [{ type: "internet_banking" }, { type: "mobile_banking" }],
        scope: ["financial_data"],
      })),
    );

  const createCustomer = (request: SimulatorRequest): Reply => {
    const { name, email } = customerBody.parse(request.body);
    const id = world().perform({ kind: "create_customer", name, email });
    return successful(world().now(), "Customer created successfully", { id, name, email });
  };

  const listCustomers = (): Reply => {
    const all = world().customers();
    const data = all.map(({ id, name, email }) => ({ id, name, email }));
    const meta = { total: all.length, page: 1, previous: null, next: null };
    return successful(world().now(), "Customers retrieved successfully", data, { meta });
  };

  const customer = (request: SimulatorRequest): Reply => {
    const { id, name, email } = world().customer(request.params["id"] ?? "");
    return successful(world().now(), "Customer retrieved successfully", { id, name, email });
  };

  /** Stands for Mono's own page: one button, and the user is through. */
  const page = (request: SimulatorRequest): Reply => {
    const { scope, token, used, createdAt, redirectUrl } = world().connection(request.params["token"] ?? "");
    const html = "text/html; charset=utf-8";
    if (used) return text(410, document("<p>This page was used already.</p>"), html);
    if (world().now() >= createdAt + LINK_LIFE_MS) return text(410, document("<p>This page has expired.</p>"), html);
    const action = scope === "auth" ? "Link this account" : "Log in again";
    return text(200, document(connectForm(`/connect/${token}`, action, redirectUrl)), html);
  };

  const complete = (request: SimulatorRequest): Reply => {
    const { token, scope, redirectUrl } = world().connection(request.params["token"] ?? "");
    const made = world().perform({ kind: "complete_connect", token });
    if (redirectUrl === null) return text(200, "Done. You can close this page.");
    const target = new URL(redirectUrl);
    target.searchParams.set("status", "linked");
    target.searchParams.set("reason", scope === "auth" ? "account_linked" : "account_reauthorized");
    if (scope === "auth") target.searchParams.set("code", made);
    return empty(303, { location: target.href });
  };

  return [
    { method: "POST", path: "/v2/accounts/initiate", handle: initiate },
    { method: "POST", path: "/v2/accounts/auth", handle: exchange },
    { method: "GET", path: "/v3/institutions", handle: listInstitutions },
    { method: "POST", path: "/v2/customers", handle: createCustomer },
    { method: "GET", path: "/v2/customers", handle: listCustomers },
    { method: "GET", path: "/v2/customers/:id", handle: customer },
    { method: "GET", path: "/connect/:token", handle: page },
    { method: "POST", path: "/connect/:token", handle: complete },
  ];
}

function connectForm(target: string, action: string, back: string | null): string {
  const backOut =
    back === null ? "" : `<p><a href="${back.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}">Not now</a></p>`;
  return `<form method="post" action="${target}"><p>This stands for your bank’s login, on the Mono simulator.</p>
<button style="font:inherit;padding:.6em 1.2em">${action}</button>${backOut}</form>`;
}

const document = (content: string): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Simulated Mono Connect</title>
<body style="font:16px system-ui;display:grid;place-items:center;min-height:90vh">
${content}</body></html>`;
