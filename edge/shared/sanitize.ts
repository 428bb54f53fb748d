// Takes out of a text what must not be logged. The last line of defence:
// messages are made without such things in the first place.

const LONGEST_READ = 2000;
const LONGEST = 300;

/** Whatever breaks a line or hides in one. */
// deno-lint-ignore no-control-regex -- they are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** From the first frame of a stack trace on, where it stands on the first line. */
const FRAMES = /\s+at (?:(?:new|async) )?(?:\S+ \(|file:|[./]|\S+:\d+:\d+).*$/;

// The longest first: what stands inside them is not found by itself any more.
const REPLACED: [RegExp, string][] = [
  [/[a-z][a-z0-9+.-]{0,20}:\/\/\S+/gi, "[url]"],
  [/\b(?:host|hostaddr|port|user|password|passfile|dbname)\s?=\s?\S+/gi, "[connection]"],
  [/(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])/gi, "[id]"],
  [/\w{0,40}\[[A-Za-z0-9_-]{16,}\]/g, "[token]"],
  [/[A-Za-z0-9_:.~+/=-]{24,}/g, "[token]"],
  // A phone number, spaced or not, and any long run of digits.
  [/\+?\d(?:[\s.()/-]{0,2}\d){5,}/gu, "[number]"],
  // Last: of a long one it would eat the end of an id that it touches, and leave its beginning.
  [/[\p{L}\p{N}.'_%+[\]-]{1,64}@(?:[\p{L}\p{N}.-]{1,255}|\[\[?[^\]]{1,64}\]{1,2})/gu, "[email]"],
];

/** Words with a number at most: pg_cron, scenario-scheduler-daily. */
export function isLabel(text: string): boolean {
  return text.length <= 63 && /^[A-Za-z]{1,20}\d{0,3}([_.:-][A-Za-z]{1,20}\d{0,3})*$/.test(text);
}

export function sanitize(text: string): string {
  const said = (text.slice(0, LONGEST_READ).split(/\r?\n/, 1)[0] ?? "")
    .replace(CONTROL, " ")
    .replace(FRAMES, "");
  return REPLACED.reduce((rest, [found, stand]) => rest.replace(found, stand), said)
    .slice(0, LONGEST);
}
