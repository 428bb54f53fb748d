// Safeguards of the Edge Functions: who is let in, what is sent, and what is logged.

import { inFile, type Sabotage, tests } from "./change.ts";

const SANITIZER = "edge/shared/sanitize.ts";
const RULES = "edge/shared/sanitize_rules.test.ts";
const PROPERTIES = "edge/shared/sanitize.test.ts";
const AUTH = "edge/shared/auth.ts";
const FCM = "edge/dispatch/providers/fcm.ts";
const PROBLEMS = "edge/api/problems.ts";

const ADDRESSES =
  `  [/[\\p{L}\\p{N}.'_%+[\\]-]{1,64}@(?:[\\p{L}\\p{N}.-]{1,255}|\\[\\[?[^\\]]{1,64}\\]{1,2})/gu, "[email]"],\n`;

const ofSanitizer = (
  name: string,
  removed: string,
  noticing: string,
  ...changes: [find: string, put?: string][]
): Sabotage => ({
  name: `sanitizer: ${name}`,
  removed,
  changes: changes.map(([find, put]) => inFile(SANITIZER, find, put)),
  tests: tests(noticing),
});

const LOG: Sabotage[] = [
  ofSanitizer(
    "urls",
    "the rule for urls and connection strings",
    `${PROPERTIES}: connection string`,
    [`  [/[a-z][a-z0-9+.-]{0,20}:\\/\\/\\S+/gi, "[url]"],\n`],
  ),
  ofSanitizer(
    "connections",
    "the rule for host=, password= and the like",
    `${PROPERTIES}: connection string`,
    [
      `  [/\\b(?:host|hostaddr|port|user|password|passfile|dbname)\\s?=\\s?\\S+/gi, "[connection]"],\n`,
    ],
  ),
  ofSanitizer("e-mail", "the rule for addresses", `${PROPERTIES}: e-mail address`, [ADDRESSES]),
  ofSanitizer(
    "addresses come last",
    "an id is taken out before an address that touches it",
    `${PROPERTIES}: a long address touches`,
    [ADDRESSES],
    [
      "const REPLACED: [RegExp, string][] = [\n",
      `const REPLACED: [RegExp, string][] = [\n${ADDRESSES}`,
    ],
  ),
  ofSanitizer(
    "ids",
    "the rule for UUIDs",
    `${RULES}: an id is called one`,
    [
      `  [/(?<![0-9a-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])/gi, "[id]"],\n`,
    ],
  ),
  ofSanitizer(
    "tokens in brackets",
    "the rule for ExponentPushToken[…]",
    `${PROPERTIES}: a token never survives`,
    [`  [/\\w{0,40}\\[[A-Za-z0-9_-]{16,}\\]/g, "[token]"],\n`],
  ),
  ofSanitizer(
    "tokens",
    "the rule for long runs of letters and digits",
    `${PROPERTIES}: a token never survives`,
    [`  [/[A-Za-z0-9_:.~+/=-]{24,}/g, "[token]"],\n`],
  ),
  ofSanitizer(
    "numbers",
    "the rule for phone numbers and long runs of digits",
    `${PROPERTIES}: a phone number never survives`,
    [`  [/\\+?\\d(?:[\\s.()/-]{0,2}\\d){5,}/gu, "[number]"],\n`],
  ),
  ofSanitizer("lines", "what breaks a line", `${PROPERTIES}: one line`, [
    `    .replace(CONTROL, " ")\n`,
  ]),
  ofSanitizer("stack traces", "frames", `${PROPERTIES}: a stack trace never survives`, [
    `    .replace(FRAMES, "")`,
  ]),
  ofSanitizer("first line", "only the first line is read", `${RULES}: only the first line`, [
    ".split(/\\r?\\n/, 1)[0]",
  ]),
  ofSanitizer("length", "300 characters at most", `${PROPERTIES}: one line, and bounded`, [
    "\n    .slice(0, LONGEST);",
    ";",
  ]),
  ofSanitizer(
    "time",
    "2000 characters are read at most",
    `${RULES}: only the beginning is read`,
    ["text.slice(0, LONGEST_READ)", "text"],
  ),
  {
    name: "log: fields",
    removed: "only those of the list are written",
    changes: [
      inFile(
        "edge/shared/logger.ts",
        "const allowed = FIELDS.filter((name) => fields[name] !== undefined)",
        "const allowed = (Object.keys(fields) as typeof FIELDS[number][])",
      ),
    ],
    tests: tests("edge/shared/logger.test.ts: a field that is not on the list"),
  },
  {
    name: "log: free texts",
    removed: "they are sanitized",
    changes: [
      inFile("edge/shared/logger.ts", "isLabel(text) ? text : sanitize(text)", "text"),
    ],
    tests: tests("edge/shared/logger.test.ts: messages and labels are sanitized"),
  },
  {
    name: "log: how much",
    removed: "50 entries for mentors in a run",
    changes: [
      inFile("edge/shared/logger.ts", "if (this.#entries < MENTOR_ENTRIES) {", "if (true) {"),
    ],
    tests: tests("edge/dispatch/batch.test.ts: past fifty"),
  },
];

const ENTRANCE: Sabotage[] = [
  {
    name: "entrance: constant time",
    removed: "secrets are compared by their digests",
    changes: [
      inFile(
        AUTH,
        "  const [left, right] = await Promise.all([digest(a), digest(b)]);\n  return left.reduce((difference, byte, i) => difference | (byte ^ (right[i] ?? 0)), 0) === 0;\n",
        "  return await Promise.resolve(a === b);\n",
      ),
    ],
    tests: tests("edge/shared/auth.test.ts: compared by its digest"),
  },
  {
    name: "entrance: the whole digest",
    removed: "all bytes of a digest are compared",
    changes: [
      inFile(
        AUTH,
        "return left.reduce((difference, byte, i) => difference | (byte ^ (right[i] ?? 0)), 0) === 0;",
        "return left.some((byte, i) => byte === right[i]);",
      ),
    ],
    tests: tests("edge/shared/auth_limits.test.ts: every byte has to agree"),
  },
  {
    name: "entrance: signature",
    removed: "one that does not verify is refused",
    changes: [
      inFile(
        AUTH,
        "    } catch {\n      return false;\n",
        "    } catch {\n      return true;\n",
      ),
    ],
    tests: tests("edge/shared/auth.test.ts: a signature of another body"),
  },
  {
    name: "entrance: no secret",
    removed: "without one every request is refused",
    changes: [
      inFile(
        AUTH,
        "    if (matches.includes(true)) return",
        "    if (matches.includes(true) || matches.length === 0) return",
      ),
    ],
    tests: tests("edge/shared/auth.test.ts: without secrets nobody is"),
  },
  {
    name: "entrance: long webhook-ids",
    removed: "255 characters at most",
    changes: [inFile(AUTH, " && id.length <= LONGEST_ID")],
    tests: tests("edge/shared/auth_limits.test.ts: longer than 255"),
  },
  {
    name: "entrance: the body of a stranger",
    removed: "it is not read before the credentials are looked at",
    changes: [
      inFile(
        "edge/dispatch/handler.ts",
        "  if (secrets.length === 0 || !offersSignature(request.headers)) throw UNAUTHORIZED;\n",
      ),
    ],
    tests: tests("edge/dispatch/request.test.ts: without the right secret"),
  },
  {
    name: "entrance: large bodies",
    removed: "64 KiB at most",
    changes: [
      inFile("edge/shared/body.ts", "      if (size > BODY_LIMIT) throw tooLarge;\n"),
    ],
    tests: tests("edge/dispatch/request.test.ts: over 64 KiB in chunks"),
  },
  {
    name: "entrance: algorithms of tokens",
    removed: "only those with a public key",
    changes: [
      inFile("edge/api/verify.ts", "if (!ASYMMETRIC.includes(alg) || ", "if ("),
    ],
    tests: tests("edge/api/verify.test.ts: public key's signature"),
  },
  {
    name: "entrance: expired tokens",
    removed: "exp",
    changes: [
      inFile("edge/api/verify.ts", `      typeof exp === "number" && exp > seconds &&\n`),
    ],
    tests: tests("edge/api/verify_clock.test.ts"),
  },
  {
    name: "entrance: tokens of another project",
    removed: "iss",
    changes: [inFile("edge/api/verify.ts", "      iss === issuer &&\n")],
    tests: tests("edge/api/verify.test.ts: of another issuer"),
  },
  {
    name: "entrance: other roles",
    removed: "a token of authenticated",
    changes: [
      inFile("edge/api/verify.ts", `role === "authenticated" &&\n`, "\n"),
    ],
    tests: tests("edge/api/verify.test.ts: of another issuer"),
  },
  {
    name: "entrance: who calls",
    removed: "it ends with the transaction",
    changes: [
      inFile(
        "edge/api/caller.ts",
        "set_config('role', ${caller.role}, true)",
        "set_config('role', ${caller.role}, false)",
      ),
      inFile(
        "edge/api/caller.ts",
        "set_config('request.jwt.claims', ${JSON.stringify(caller)}, true)",
        "set_config('request.jwt.claims', ${JSON.stringify(caller)}, false)",
      ),
    ],
    tests: tests("edge/api/caller.test.ts: forgotten with the transaction"),
  },
];

const collapse = (name: string, find: string, put = ""): Sabotage => ({
  name: `push: collapse key of ${name}`,
  removed: "so that a device shows one",
  changes: [inFile(FCM, find, put)],
  tests: tests("edge/dispatch/providers/fcm.test.ts: key"),
});

const SENDING: Sabotage[] = [
  collapse("FCM", "        collapse_key: collapseKey,\n"),
  collapse(
    "Android",
    "        notification: { tag: collapseKey },\n      },\n      apns",
    "      },\n      apns",
  ),
  collapse("iPhones", `          "apns-collapse-id": collapseKey,\n`),
  collapse("browsers", ", notification: { tag: collapseKey } },", " },"),
  {
    name: "push: once a request",
    removed: "Deno repeats no request by itself",
    changes: [inFile(FCM, "        body: onceOnly(body),\n", "        body,\n")],
    tests: tests("edge/dispatch/providers/fcm.test.ts: not repeated"),
  },
  {
    name: "push: redirects",
    removed: "they are not followed",
    changes: [inFile(FCM, `        redirect: "manual",\n`)],
    tests: tests("edge/dispatch/providers/fcm.test.ts: another place"),
  },
  {
    name: "push: what may have left",
    removed: "a lost connection and a 500 are unknown, not failed",
    changes: [
      inFile(
        FCM,
        `const outcome = status === 503 ? "retry" : "unknown";`,
        `const outcome = "retry";`,
      ),
    ],
    tests: tests("edge/dispatch/providers/fcm.test.ts: nobody knows"),
  },
  {
    name: "push: devices of a wrong project",
    removed: "a bare 404 puts no device away",
    changes: [
      inFile(
        FCM,
        `if (status === 404 || status < 400) return held("run", ACCOUNT_PAUSE_SECONDS);`,
        `if (status === 404) return invalidToken;\n  if (status < 400) return held("run", ACCOUNT_PAUSE_SECONDS);`,
      ),
    ],
    tests: tests("edge/dispatch/providers/fcm.test.ts: bare 404"),
  },
  {
    name: "push: devices of another account",
    removed: "many of them are not put away",
    changes: [
      inFile(
        "edge/dispatch/page.ts",
        "    return suspects >= MANY && suspects > sent;\n",
        "    return suspects < 0 && suspects > sent;\n",
      ),
    ],
    tests: tests("edge/dispatch/page.test.ts: many devices of another account"),
  },
  {
    name: "run: time guard",
    removed: "no page begins when the time is up",
    changes: [
      inFile(
        "edge/dispatch/batch.ts",
        "        partial = clock() - startedAt >= options.timeoutThresholdMs;\n",
      ),
    ],
    tests: tests("edge/dispatch/batch.test.ts: time is up"),
  },
  {
    name: "run: time guard of a sync",
    removed: "no page begins when the time is up",
    changes: [
      inFile(
        "edge/dispatch/jobs/hlf_sync.ts",
        "for (let begunAnew = false; clock() < deadline;) {",
        "for (let begunAnew = false; clock() < Infinity;) {",
      ),
    ],
    tests: tests("edge/dispatch/jobs/hlf_sync.test.ts: the time is up"),
  },
  {
    name: "run: past the lease",
    removed: "a process that was stopped sends nothing more when it goes on",
    changes: [
      inFile(
        "edge/dispatch/batch.ts",
        "sendPage(page, state, limiter, () => clock() < sendsUntil, options)",
        "sendPage(page, state, limiter, () => true, options)",
      ),
    ],
    tests: tests("edge/dispatch/batch.test.ts: stopped past its lease"),
  },
  {
    name: "run: lease from before the claim",
    removed: "it is counted from before the claim was asked for",
    changes: [
      inFile(
        "edge/dispatch/batch.ts",
        "    const sendsUntil = clock() + lease * 1000 - SEND_TIMEOUT_MS;\n    const page = await outbox.claim(options.pageSize, lease, order.invocation_id);\n",
        "    const page = await outbox.claim(options.pageSize, lease, order.invocation_id);\n    const sendsUntil = clock() + lease * 1000 - SEND_TIMEOUT_MS;\n",
      ),
    ],
    tests: tests("edge/dispatch/late_claim.test.ts"),
  },
  {
    name: "run: what is recorded",
    removed: "a record that fails is tried again",
    changes: [
      inFile("edge/dispatch/insist.ts", "pause > LONGEST_PAUSE_MS || ", "pause > 0 || "),
    ],
    tests: tests("edge/tests/record_faults.test.ts: too slow"),
  },
  {
    name: "run: lost leases",
    removed: "what another has taken over is not counted as sent",
    changes: [
      inFile(
        "edge/dispatch/batch.ts",
        "    if (!row.recorded) lost.add(row.notification_id);\n    else if",
        "    if",
      ),
    ],
    tests: tests("edge/dispatch/batch.test.ts: taken over"),
  },
  {
    name: "run: a sign of life",
    removed: "a run gives one every five seconds",
    changes: [
      inFile(
        "edge/dispatch/jobs/run.ts",
        "    () => outbox.heartbeat(invocation_id).catch(() => {}),\n",
        "    () => {},\n",
      ),
    ],
    tests: tests("edge/dispatch/jobs/run.test.ts: every five seconds"),
  },
  {
    name: "run: bound",
    removed: "PUSH_CONCURRENCY pushes at once",
    changes: [
      inFile("edge/dispatch/limiter.ts", "if (this.#running < this.limit) this", "if (true) this"),
      inFile(
        "edge/dispatch/limiter.ts",
        "Math.min(this.limit, items.length)",
        "items.length",
      ),
    ],
    tests: tests("edge/dispatch/limiter.test.ts: never more at a time"),
  },
  {
    name: "run: jobs that call the outside",
    removed: "they get neither the database nor a secret",
    changes: [
      inFile(
        "edge/dispatch/jobs/registry.ts",
        "        store: narrowStore(openStore(order.invocation_id), tally),\n",
        "        store: openStore(order.invocation_id),\n",
      ),
    ],
    tests: tests("edge/dispatch/jobs/registry.test.ts: a job that calls the outside gets"),
  },
];

const API: Sabotage[] = [
  {
    name: "api: faults of ours",
    removed: "PostgreSQL's own errors are not told as refusals",
    changes: [
      inFile(
        PROBLEMS,
        "isRaised(error) ? RAISED[codeOf(error)] : undefined",
        "RAISED[codeOf(error)]",
      ),
    ],
    tests: tests("edge/api/problems.test.ts: faults of ours"),
  },
  {
    name: "api: what is inside",
    removed: "a 500 tells nothing of it",
    changes: [
      inFile(
        PROBLEMS,
        '    "Nothing was changed. The log of the function says more, under the id of this problem\'s instance.",\n',
        "    error instanceof Error ? error.message : String(error),\n",
      ),
    ],
    tests: tests("edge/api/problems.test.ts: faults of ours"),
  },
];

export const EDGE: Sabotage[] = [...LOG, ...ENTRANCE, ...API, ...SENDING];
