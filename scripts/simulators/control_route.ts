/** A simulator's control endpoint: what its methods do, over HTTP, JSON in and out, without a key. */
import { json, type Route, type SimulatorRequest } from "./http.ts";

/** The thing asked for does not exist (any more): 404. */
export class UnknownThing extends Error {
  override readonly name = "UnknownThing";
}

/** Under /control. Answers 200 with what `act` returns (`{}` for nothing), 400 for a body that does not fit, 404. */
export function controlRoute(method: string, path: string, act: (request: SimulatorRequest) => unknown): Route {
  return {
    method,
    path: `/control${path}`,
    handle: async (request) => {
      try {
        return json(200, (await act(request)) ?? {});
      } catch (error) {
        if (error instanceof UnknownThing) return json(404, { error: error.message });
        throw error;
      }
    },
  };
}
