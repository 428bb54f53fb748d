// Which pages of other origins may call the API and read its answers.

/** What a page may send and see, beyond what every page may. */
const SENT = "authorization, content-type, idempotency-key, apikey, x-client-info";
const SEEN = "location, idempotency-replayed, retry-after";
const PREFLIGHT_SECONDS = "600";

export function isPreflight(request: Request): boolean {
  return request.method === "OPTIONS" && request.headers.has("access-control-request-method");
}

/** The headers that an answer needs; none where no origin is allowed. */
export function corsHeaders(
  request: Request,
  allowedOrigins: readonly string[],
  methods: readonly string[],
): Record<string, string> {
  if (allowedOrigins.length === 0) return {};
  const origin = request.headers.get("origin");
  // A cache must not give one origin the answer to another.
  if (origin === null || !allowedOrigins.includes(origin)) return { vary: "Origin" };
  return {
    vary: "Origin",
    "access-control-allow-origin": origin,
    ...(isPreflight(request)
      ? {
        "access-control-allow-methods": methods.join(", "),
        "access-control-allow-headers": SENT,
        "access-control-max-age": PREFLIGHT_SECONDS,
      }
      : { "access-control-expose-headers": SEEN }),
  };
}
