// Where a page ended, as an opaque text. A position says nothing that its holder
// could not see, so it bears no signature; the checksum tells one that was changed.

import { Problem } from "./problems.ts";

const CHECKSUM_BYTES = 6;
const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const RUN = new RegExp(
  `^(\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(?:\\.\\d{1,6})?\\+00:00)\\|(${UUID})$`,
);
const MENTOR = new RegExp(`^(${UUID})$`);

/** The last run of a page; its moment as the database wrote it, to the microsecond. */
export interface RunPosition {
  requested_at: string;
  id: string;
}

async function checksum(position: string): Promise<Uint8Array> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(position));
  return new Uint8Array(digest, 0, CHECKSUM_BYTES);
}

async function write(position: string): Promise<string> {
  const bytes = [...await checksum(position), ...new TextEncoder().encode(position)];
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")
    .replaceAll("=", "");
}

/** The parts of a position that was written here. */
async function read(cursor: string, form: RegExp): Promise<string[]> {
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const position = text.slice(CHECKSUM_BYTES);
    const parts = position.match(form);
    if (parts && await write(position) === cursor) return parts.slice(1);
  } catch {
    // No base64.
  }
  const detail = "is not the next_cursor of a page.";
  throw new Problem("invalid-request", `cursor ${detail} Leave it out for the first page.`, [
    { in: "query", pointer: "#/cursor", detail },
  ]);
}

export function runCursor({ requested_at, id }: RunPosition): Promise<string> {
  return write(`${requested_at}|${id}`);
}

export async function readRunCursor(cursor: string | undefined): Promise<RunPosition | undefined> {
  if (cursor === undefined) return undefined;
  const [requested_at = "", id = ""] = await read(cursor, RUN);
  return { requested_at, id };
}

export function mentorCursor(userId: string): Promise<string> {
  return write(userId);
}

export async function readMentorCursor(cursor: string | undefined): Promise<string | undefined> {
  return cursor === undefined ? undefined : (await read(cursor, MENTOR))[0];
}
