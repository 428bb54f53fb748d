// From a request to its answer, whatever happens in between: paths and methods,
// CORS, problems, and a line in the log.

import { describeError } from "../shared/errors.ts";
import type { StructuredLogger } from "../shared/logger.ts";
import { type AppDependencies, createApp, pathOf } from "./app.ts";
import { corsHeaders, isPreflight } from "./cors.ts";
import { type Place, placeFinder } from "./paths.ts";
import { Problem, problemOf } from "./problems.ts";
import { BASE_PATH } from "./routes.ts";

export interface Dependencies extends AppDependencies {
  logger: StructuredLogger;
  allowedOrigins: readonly string[];
  /** Milliseconds, for durations only. */
  clock: () => number;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"];

const ALWAYS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
};

function notFound(): Problem {
  return new Problem(
    "not-found",
    `Nothing is served here; ${BASE_PATH}/openapi.json says what is where.`,
  );
}

function errorFields(error: unknown, status: number) {
  if (status === 401) return { error_type: "authentication_error" } as const;
  return status < 500 ? {} : describeError(error);
}

export function createHandler(
  { logger, allowedOrigins, clock, ...dependencies }: Dependencies,
): (request: Request) => Promise<Response> {
  const app = createApp(dependencies);
  const operations = app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [definition.route] : []
  );
  const findPlace = placeFinder(operations);

  const placeOf = (request: Request): Place | undefined => {
    try {
      const path = pathOf(request);
      return path.startsWith(`${BASE_PATH}/`) ? findPlace(path.slice(BASE_PATH.length)) : undefined;
    } catch {
      return undefined; // An address that is none.
    }
  };

  const respond = async (request: Request, place: Place | undefined): Promise<Response> => {
    if (!place) throw notFound();
    const allow = { allow: place.methods.join(", ") };
    if (!place.methods.includes(request.method)) {
      throw new Problem("method-not-allowed", `Allowed are ${allow.allow}.`, [], allow);
    }
    if (request.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: isPreflight(request) ? {} : allow });
    }
    return await app.fetch(request);
  };

  return async (request) => {
    const startedAt = clock();
    const requestId = crypto.randomUUID();
    const place = placeOf(request);
    let response: Response;
    let failure: unknown;
    try {
      response = await respond(request, place);
    } catch (error) {
      failure = error;
      response = problemOf(error).toResponse(requestId);
    }
    const added = { ...ALWAYS, ...corsHeaders(request, allowedOrigins, place?.methods ?? []) };
    for (const [name, value] of Object.entries(added)) response.headers.set(name, value);
    logger.request({
      request_id: requestId,
      method: METHODS.includes(request.method) ? request.method : "other",
      route: place ? `${BASE_PATH}${place.path}` : "none",
      status: response.status,
      duration_ms: Math.round(clock() - startedAt),
      ...errorFields(failure, response.status),
    });
    return response;
  };
}
