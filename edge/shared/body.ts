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

const PARAMETER = /;\s*([^\s;=]+)=("(?:[^"\\]|\\.)*"|[^;]*)/g;

/** The body is read as UTF-8, whatever the header says: so it must not say anything else. */
function isUtf8(type: string): boolean {
  return [...type.toLowerCase().matchAll(PARAMETER)].every(([, name, value = ""]) =>
    name !== "charset" || /^("?)utf-8\1$/.test(value.trim())
  );
}

export function checkContentType(headers: Headers, body: string): void {
  const header = headers.get("content-type");
  const type = header?.split(";")[0]?.trim().toLowerCase();
  if (header === null && body === "") return;
  if (header !== null && type === "application/json" && isUtf8(header)) return;
  throw new RequestError(
    415,
    "unsupported_media_type",
    "The body must be JSON in UTF-8: Content-Type: application/json.",
  );
}
