// An OAuth access token, fetched once for all who need it.

import { describeError, TypedError } from "../shared/errors.ts";
import { readText } from "../shared/http.ts";

export interface Grant {
  endpoint: string;
  /** Who asks for it, as an error says it. */
  holder: string;
  form: (now: number) => URLSearchParams | Promise<URLSearchParams>;
}

const RENEW_BEFORE_MS = 60_000;
const HOUR_MS = 3_600_000;
const LONGEST_ANSWER = 64 * 1024;
const FITS_A_HEADER = /^[\x21-\x7e]+$/;

interface Held {
  token: string;
  until: number;
}

export class OAuthToken {
  readonly #grant: Grant;
  #held: Promise<Held> | undefined;
  #until = 0;

  constructor(
    grant: Grant,
    private readonly timeoutMs: number,
    private readonly now: () => number = Date.now,
  ) {
    this.#grant = grant;
  }

  async get(): Promise<string> {
    if (this.#held === undefined || this.now() >= this.#until) {
      this.#until = Infinity; // whoever comes meanwhile waits for the same one
      const fetching = this.#fetch();
      this.#held = fetching;
      fetching.then(
        (held) => this.#until = held.until,
        () => this.#forget(fetching),
      );
    }
    return (await this.#held).token;
  }

  /** Drops a token that was refused, unless there is another one already. */
  async discard(token: string): Promise<void> {
    const held = this.#held;
    if (held && (await held.catch(() => undefined))?.token === token) {
      this.#forget(held);
    }
  }

  #forget(held: Promise<Held>): void {
    if (this.#held === held) this.#held = undefined;
  }

  async #fetch(): Promise<Held> {
    const form = await this.#grant.form(this.now());
    const { status, text } = await this.#exchange(form);
    let answer: { access_token?: unknown; expires_in?: unknown } = {};
    try {
      answer = Object(JSON.parse(text));
    } catch {
      // Judged by its status.
    }
    const { access_token: token, expires_in: seconds } = answer;
    if (status === 200 && typeof token === "string" && FITS_A_HEADER.test(token)) {
      const lifetime = typeof seconds === "number" ? seconds * 1000 : HOUR_MS;
      return { token, until: this.now() + Math.max(lifetime - RENEW_BEFORE_MS, 1000) };
    }
    if (status >= 500 || status === 429 || status < 400) {
      throw new TypedError("provider_error", `the token endpoint answered ${status}, and no token`);
    }
    throw new TypedError(
      "authentication_error",
      `the token endpoint refused ${this.#grant.holder}: ${status}`,
    );
  }

  async #exchange(body: URLSearchParams): Promise<{ status: number; text: string }> {
    try {
      const response = await fetch(this.#grant.endpoint, {
        method: "POST",
        body,
        redirect: "manual",
        signal: AbortSignal.timeout(this.timeoutMs),
      });
      return { status: response.status, text: await readText(response, LONGEST_ANSWER) ?? "" };
    } catch (error) {
      const { error_type } = describeError(error);
      throw error_type === "timeout_error"
        ? new TypedError(error_type, "the token endpoint did not answer in time")
        : new TypedError("network_error", "the token endpoint can't be reached");
    }
  }
}
