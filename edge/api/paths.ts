// Finds the documented path of a request, and what can be done there.

export interface Documented {
  path: string;
  method: string;
}

export interface Place {
  path: string;
  /** As an Allow header lists them. */
  methods: string[];
}

/** A path of the OpenAPI document: {id} stands for one segment. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{[^}]+\}/g, "[^/]+")}$`);
}

/** Made once of all operations; a path that is spelled out goes before one with {id}. */
export function placeFinder(
  operations: readonly Documented[],
): (path: string) => Place | undefined {
  const paths = [...new Set(operations.map(({ path }) => path))].sort((a, b) =>
    Number(a.includes("{")) - Number(b.includes("{"))
  );
  const places = paths.map((path) => {
    const methods = operations.filter((one) => one.path === path).flatMap(({ method }) =>
      method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]
    );
    return { pattern: patternOf(path), place: { path, methods: [...methods, "OPTIONS"] } };
  });
  return (path) => places.find(({ pattern }) => pattern.test(path))?.place;
}
