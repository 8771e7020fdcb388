/** The most connections that one server opens: for readiness, users and their live updates; and for backends and webhooks. */
export const USER_CONNECTIONS = 10;
export const INBOUND_CONNECTIONS = 5;
export const SERVER_CONNECTIONS = USER_CONNECTIONS + INBOUND_CONNECTIONS;
