// What make verify asks of a function, and what it makes of the answer.

export interface Answer {
  /** 0: none came. */
  status: number;
  contentType: string;
  json: Record<string, unknown> | undefined;
  /** In a few words. */
  said: string;
}

/** What went wrong in one word, as the scheduler, the api or the platform writes it. */
function reasonOf(json: Record<string, unknown>): unknown {
  return errorOf(json)?.type ?? json["code"] ?? json["title"] ?? json["message"];
}

export async function ask(url: string, request: RequestInit = {}): Promise<Answer> {
  try {
    const response = await fetch(url, {
      ...request,
      // A secret must not follow to another place.
      redirect: "manual",
      signal: AbortSignal.timeout(60_000),
    });
    const text = await response.text();
    let json: Record<string, unknown> | undefined;
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === "object" && parsed !== null) json = { ...parsed };
    } catch {
      // Not JSON.
    }
    const reason = json && reasonOf(json);
    const kind = json ? "JSON" : "no JSON";
    return {
      status: response.status,
      contentType: response.headers.get("content-type")?.split(";")[0]?.trim() ?? "",
      json,
      said: `${response.status} ${typeof reason === "string" ? reason.slice(0, 80) : `(${kind})`}`,
    };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return { status: 0, contentType: "", json: undefined, said: `no answer: ${said}` };
  }
}

/** An error as the function scenario-scheduler writes it. */
export function errorOf(json: Record<string, unknown>): { type: string } | undefined {
  const { type, message } = Object(json["error"]) as { type?: unknown; message?: unknown };
  return typeof type === "string" && typeof message === "string" ? { type } : undefined;
}
