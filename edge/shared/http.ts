// How answers from outside are read.

/** For how many seconds an answer asks to be left alone: by its own clock, where it tells one. */
export function retryAfter(headers: Headers, now: number): number | undefined {
  const text = headers.get("retry-after");
  if (text === null) return undefined;
  // Date reads a moment out of any number.
  const date = /^[a-z]/i.test(text) ? Date.parse(text) : NaN;
  const said = Date.parse(headers.get("date") ?? "");
  const seconds = /^\d{1,9}$/.test(text)
    ? Number(text)
    : (date - (Number.isNaN(said) ? now : said)) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}

/** The text of an answer; undefined where it is longer than that, and the rest is not waited for. */
export async function readText(response: Response, mostBytes: number): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let size = 0;
  let text = "";
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    // Leaving the loop gives up the rest of the answer.
    if (size > mostBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
