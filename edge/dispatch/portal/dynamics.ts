// A portal on Dynamics: the Web API of Dataverse, OData 4.

import { describeError, TypedError } from "../../shared/errors.ts";
import { readText, retryAfter } from "../../shared/http.ts";
import { OAuthToken } from "../oauth_token.ts";
import type { PortalConfiguration } from "./configuration.ts";
import {
  CursorRefused,
  type MemberPortal,
  type PortalCertification,
  type PortalPage,
  type PortalQuestion,
} from "./member_portal.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const MOST_TRIES = 5;
const FIRST_PAUSE_MS = 500;

/** Of a page, whatever size was asked for: Dataverse's own limit, and the database's. */
const MOST_ROWS = 5000;
const MOST_BYTES_PER_ROW = 4096;
const MOST_BYTES_BESIDES = 64 * 1024;
const LONGEST_CURSOR = 8192;

export interface PortalTimes {
  timeoutMs?: number;
  /** Milliseconds, for durations only. */
  clock?: () => number;
  pause?: (milliseconds: number) => Promise<void>;
  random?: () => number;
}

type Fields = PortalConfiguration["fields"];
type Row = Record<string, unknown>;

/** What passes: another try may go better. */
class Passing {
  constructor(readonly error: TypedError, readonly retryAfterMs?: number) {}
}

const wrong = (message: string) => new TypedError("provider_error", message);

const isRow = (value: unknown): value is Row =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function describeType(response: Response): string {
  const type = response.headers.get("content-type") ?? "";
  return /^text\/html\b/i.test(type) ? "HTML" : "something else";
}

/** A field that no row of a page has, or that all have as something else, was renamed or changed. */
function checkFields(rows: readonly Row[], fields: Fields): void {
  for (const [key, name] of Object.entries(fields)) {
    const called = `${name} (${key} in HLF_FIELDS)`;
    if (!rows.some((row) => Object.hasOwn(row, name))) {
      throw wrong(`the portal's answer has no field ${called}: was it renamed?`);
    }
    const [type, noun] = key === "state" ? ["number", "number"] : ["string", "text"];
    const said = rows.map((row) => row[name]).filter((value) => (value ?? null) !== null);
    if (said.length > 0 && !said.some((value) => typeof value === type)) {
      throw wrong(`the portal's field ${called} is no ${noun}: was its type changed?`);
    }
  }
}

/** What a row without that field has in its place, where nothing would mean something else. */
const MISSING = "missing";

function readRow(row: Row, fields: Fields): PortalCertification {
  const field = (name: string) => row[name] ?? null;
  const expiry = Object.hasOwn(row, fields.expires_on) ? row[fields.expires_on] : MISSING;
  const state = row[fields.state];
  return {
    external_id: field(fields.external_id),
    member_id: field(fields.member_id),
    name: field(fields.name),
    expires_on: expiry,
    modified_on: field(fields.modified_on),
    // 0 is active in every table of Dataverse.
    removed: Number.isInteger(state) ? state !== 0 : MISSING,
  };
}

export class DynamicsPortalClient implements MemberPortal {
  readonly #configuration: PortalConfiguration;
  readonly #token: OAuthToken;
  readonly #base: URL;
  readonly #times: Required<PortalTimes>;

  constructor(configuration: PortalConfiguration, times: PortalTimes = {}) {
    this.#configuration = configuration;
    this.#base = new URL(configuration.apiUrl);
    this.#times = {
      timeoutMs: REQUEST_TIMEOUT_MS,
      clock: () => performance.now(),
      pause: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
      random: Math.random,
      ...times,
    };
    const { tokenUrl, clientId, clientSecret } = configuration;
    const form = {
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
      scope: `${this.#base.origin}/.default`,
    };
    const grant = {
      endpoint: tokenUrl,
      holder: "the portal's client (HLF_CLIENT_ID, HLF_CLIENT_SECRET)",
      form: () => new URLSearchParams(form),
    };
    this.#token = new OAuthToken(grant, this.#times.timeoutMs);
  }

  async page({ since, cursor }: PortalQuestion, deadline: number): Promise<PortalPage> {
    // One of another portal, from before the configuration was changed, leads nowhere either.
    if (cursor !== null && !this.#isOwn(cursor)) throw new CursorRefused();
    const text = await this.#insist(cursor ?? this.#firstPage(since), cursor !== null, deadline);
    return this.#read(text, cursor);
  }

  #firstPage(since: string | null): string {
    const { entitySet, fields } = this.#configuration;
    const selected = [...new Set(Object.values(fields))].join(",");
    return `${this.#base}${entitySet}?$select=${encodeURIComponent(selected)}` +
      (since === null
        ? ""
        : `&$filter=${encodeURIComponent(`${fields.modified_on} ge ${since}`)}`) +
      // By what never changes: a row that is written meanwhile pushes no other past the pages.
      `&$orderby=${encodeURIComponent(`${fields.external_id} asc`)}`;
  }

  /** Whoever names the next page must not lead the access token elsewhere. */
  #isOwn(cursor: string): boolean {
    if (cursor.length > LONGEST_CURSOR || !URL.canParse(cursor)) return false;
    const { origin, pathname, username, password } = new URL(cursor);
    return origin === this.#base.origin && pathname.startsWith(this.#base.pathname) &&
      username === "" && password === "";
  }

  async #insist(url: string, isNext: boolean, deadline: number): Promise<string> {
    const { clock, pause, random } = this.#times;
    for (let tries = 1;; tries++) {
      const answer = await this.#attempt(url, isNext);
      if (typeof answer === "string") return answer;
      const backoff = FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + random() / 2);
      const wait = answer.retryAfterMs ?? backoff;
      if (tries === MOST_TRIES || clock() + wait >= deadline) throw answer.error;
      await pause(wait);
    }
  }

  async #attempt(url: string, isNext: boolean): Promise<string | Passing> {
    for (let renewed = false;; renewed = true) {
      let token: string;
      try {
        token = await this.#token.get();
      } catch (error) {
        if (!(error instanceof TypedError) || error.type === "authentication_error") throw error;
        return new Passing(error);
      }
      try {
        const response = await this.#request(url, token);
        if (response.status === 200) return await this.#readAnswer(response);
        await response.body?.cancel();
        if (response.status !== 401) return this.#judge(response, isNext);
      } catch (error) {
        if (error instanceof TypedError) throw error;
        return new Passing(
          describeError(error).error_type === "timeout_error"
            ? new TypedError("timeout_error", "the portal did not answer in time")
            : new TypedError("network_error", "the portal can't be reached"),
        );
      }
      await this.#token.discard(token);
      if (renewed) {
        throw new TypedError("authentication_error", "the portal refuses the access token: 401");
      }
    }
  }

  #request(url: string, token: string): Promise<Response> {
    return fetch(url, {
      headers: {
        accept: "application/json",
        authorization: `Bearer ${token}`,
        "odata-maxversion": "4.0",
        "odata-version": "4.0",
        prefer: `odata.maxpagesize=${this.#configuration.pageSize}`,
      },
      redirect: "manual",
      signal: AbortSignal.timeout(this.#times.timeoutMs),
    });
  }

  async #readAnswer(response: Response): Promise<string> {
    if (!/^application\/json\b/i.test(response.headers.get("content-type") ?? "")) {
      await response.body?.cancel();
      throw wrong(
        `the portal answered ${describeType(response)} where JSON belongs: ` +
          `is HLF_API_URL the address of its Web API?`,
      );
    }
    const text = await readText(
      response,
      this.#configuration.pageSize * MOST_BYTES_PER_ROW + MOST_BYTES_BESIDES,
    );
    if (text === undefined) throw wrong("the portal's answer is too large for a page");
    return text;
  }

  /** What an answer without rows means. Nothing of it is repeated but its status. */
  #judge({ status, headers }: Response, isNext: boolean): Passing {
    if (status === 429 || status === 408 || status >= 500) {
      const seconds = retryAfter(headers, Date.now());
      return seconds === undefined
        ? new Passing(wrong(`the portal answered ${status}`))
        : new Passing(
          wrong(`the portal answered ${status}, and asks to be left alone for ${seconds} s`),
          seconds * 1000,
        );
    }
    if (isNext && [400, 404, 410].includes(status)) throw new CursorRefused();
    if (status === 403) {
      throw new TypedError(
        "authentication_error",
        "the portal shows its client nothing: 403; may it read the table HLF_ENTITY_SET?",
      );
    }
    if (status === 400) {
      throw wrong("the portal does not know what it is asked for: 400; is HLF_FIELDS right?");
    }
    if (status === 404) {
      throw wrong("the portal has no such table: 404; are HLF_API_URL and HLF_ENTITY_SET right?");
    }
    throw wrong(`the portal answered ${status}; is HLF_API_URL the address of its Web API?`);
  }

  #read(text: string, cursor: string | null): PortalPage {
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw wrong("the portal's answer is no JSON");
    }
    const { value: said, "@odata.nextLink": next = null } = isRow(answer) ? answer : {};
    if (!Array.isArray(said)) throw wrong('the portal\'s answer has no list "value"');
    if (said.length > MOST_ROWS) {
      throw wrong(`the portal's page has ${said.length} rows, over ${MOST_ROWS}`);
    }
    if (next !== null && (typeof next !== "string" || !this.#isOwn(next))) {
      throw wrong("the portal's next page is not below HLF_API_URL: it is not followed");
    }
    // Written as an address, whatever stands in it can be kept and sent.
    const following = next === null ? null : new URL(next).href;
    if (following !== null && following === cursor) {
      throw wrong("the portal's next page is the page itself");
    }
    const { fields } = this.#configuration;
    const rows: unknown[] = said;
    try {
      if (rows.length > 0) checkFields(rows.filter(isRow), fields);
    } catch (error) {
      // It was named when HLF_FIELDS was another, perhaps: the first page tells.
      if (cursor !== null) throw new CursorRefused();
      throw error;
    }
    return {
      certifications: rows.map((row) => isRow(row) ? readRow(row, fields) : null),
      next: following,
    };
  }
}
