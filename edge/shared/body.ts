// Reads the body of a request, which is JSON and not large.

import { RequestError } from "./errors.ts";

const BODY_LIMIT = 64 * 1024;

export async function readBody(request: Request): Promise<string> {
  const tooLarge = new RequestError(413, "body_too_large", "The body must not be over 64 KiB.");
  if (Number(request.headers.get("content-length") ?? 0) > BODY_LIMIT) throw tooLarge;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let size = 0;
  let text = "";
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength;
      if (size > BODY_LIMIT) throw tooLarge;
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error === tooLarge) throw error;
    throw new RequestError(400, "invalid_body", "The body could not be read as UTF-8.");
  }
}

export function checkContentType(headers: Headers, body: string): void {
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json" || (type === undefined && body === "")) return;
  throw new RequestError(
    415,
    "unsupported_media_type",
    "The body must be JSON: Content-Type: application/json.",
  );
}
