/** Error answers, word for word where MTN's portal or the gateway is known, and marked where they are a guess. */
import { empty, json, type Reply, text } from "../http.ts";

/** Portal text by code. */
export const ERROR_MESSAGES: Record<string, string> = {
  RESOURCE_NOT_FOUND: "Requested resource was not found.",
  RESOURCE_ALREADY_EXIST: "Duplicated reference id. Creation of resource failed.",
  NOT_ALLOWED: "Authorization failed. Insufficient permissions.",
  NOT_ALLOWED_TARGET_ENVIRONMENT: "Access to target environment is forbidden.",
  INVALID_CALLBACK_URL_HOST: "Callback URL does not match the configured value.",
  INVALID_CURRENCY: "Currency not supported.",
  INTERNAL_PROCESSING_ERROR: "An internal error occurred while processing.",
  SERVICE_UNAVAILABLE: "Service temporarily unavailable, try again later.",
  PAYER_NOT_FOUND: "Payer not found",
  PAYEE_NOT_FOUND: "Payee does not exist",
  NOT_ENOUGH_FUNDS: "The payer does not have enough funds.",
  PAYEE_NOT_ALLOWED_TO_RECEIVE: "Payee is unable to receive funds.",
  APPROVAL_REJECTED: "The approval request was rejected.",
  EXPIRED: "The request has expired.",
  COULD_NOT_PERFORM_TRANSACTION: "The transaction could not be performed within five minutes.",
  TRANSFER_TYPE_UNKNOWN: "Transfer type unknown.",
};

const STATUS: Record<string, number> = {
  RESOURCE_NOT_FOUND: 404,
  RESOURCE_ALREADY_EXIST: 409,
  SERVICE_UNAVAILABLE: 503,
};

/** A product error. Nearly all are 500, the permanent ones too (MTN docs). */
export function momoError(code: string): Reply {
  return json(STATUS[code] ?? 500, { code, message: ERROR_MESSAGES[code] ?? code });
}

/** Bad headers, reference or body: often nothing but the status (seen in clients). */
export const badRequest = (): Reply => empty(400);

const gateway = (statusCode: number, message: string, headers: Record<string, string> = {}): Reply =>
  json(statusCode, { statusCode, message }, headers);

/** The gateway in front is Azure API Management; these are its stock answers. */
export const subscriptionKeyMissing = (): Reply =>
  gateway(
    401,
    "Access denied due to missing subscription key. Make sure to include subscription key when making requests to an API.",
  );
export const subscriptionKeyInvalid = (): Reply =>
  gateway(
    401,
    "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
  );
export const operationNotFound = (): Reply => gateway(404, "Resource not found");
/** The product is not enabled for the subscription, or the caller's address is not allowed (measured by third parties). */
export const forbidden = (): Reply => gateway(403, "Forbidden");
export const rateLimited = (retryAfterMs: number, withHeader: boolean): Reply => {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1000));
  return gateway(
    429,
    `Rate limit is exceeded. Try again in ${seconds} seconds.`,
    withHeader ? { "retry-after": String(seconds) } : {},
  );
};

/** What the new platform answers to a `python-requests` user agent (reported by a client's author). */
export const agentForbidden = (): Reply =>
  text(
    403,
    "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n",
    "text/html",
  );

/** The firewall's page (seen in clients, its status not recorded; 200 is what such firewalls send by default). */
export const requestRejected = (): Reply =>
  text(
    200,
    "<html><head><title>Request Rejected</title></head><body>The requested URL was rejected. Please consult with your administrator.<br><br>Your support ID is: 14821907311925746032<br><br><a href='javascript:history.back();'>[Go Back]</a></body></html>",
    "text/html; charset=utf-8",
  );
