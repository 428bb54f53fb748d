// Takes out of a text what must not be logged. The last line of defence:
// messages are made without such things in the first place.

const LONGEST = 300;

const REPLACED: [RegExp, string][] = [
  [/\b[a-z][a-z0-9+.-]*:\/\/\S+/gi, "[url]"],
  [/[\p{L}\p{N}._%+-]+@[\p{L}\p{N}.-]+/gu, "[email]"],
  [/[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}/gi, "[id]"],
  // A phone number, spaced or not, and any long run of digits.
  [/\+?\d(?:[ .()/-]{0,2}\d){5,}/g, "[number]"],
  // Tokens, keys and hashes: long, of one piece, and no word of a language.
  [/[A-Za-z0-9_:.~+/=-]{24,}/g, "[token]"],
];

export function sanitize(text: string): string {
  // A stack trace begins on the second line, or with the first frame.
  const said = text.split(/\r?\n|\s+at (?=\S+ ?\(|file:|async )/, 1)[0] ?? "";
  return REPLACED.reduce((rest, [found, stand]) => rest.replace(found, stand), said)
    // deno-lint-ignore no-control-regex -- they would break the line
    .replace(/[\u0000-\u001f\u007f]/g, " ")
    .slice(0, LONGEST);
}
