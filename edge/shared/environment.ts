// Reads the environment: whatever can't be used is named, all at once.

export type Environment = (name: string) => string | undefined;

export class ConfigurationError extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`The configuration can't be used:\n${problems.map((line) => `  - ${line}`).join("\n")}`);
  }
}

/** Over https, or on this machine. */
export function isSafe(url: URL): boolean {
  return url.protocol === "https:" ||
    (url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname));
}

function isDatabaseUrl(text: string): boolean {
  try {
    const { protocol, username, password } = new URL(text);
    decodeURIComponent(username + password);
    return ["postgres:", "postgresql:"].includes(protocol);
  } catch {
    return false;
  }
}

export class EnvironmentReader {
  readonly problems: string[] = [];

  constructor(private readonly environment: Environment) {}

  /** What is empty is as if it were not there. */
  read(name: string): string | undefined {
    return this.environment(name)?.trim() || undefined;
  }

  wholeNumber(name: string, fallback: number, least: number, most: number): number {
    const text = this.read(name);
    if (text === undefined) return fallback;
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    const shown = /^-?\d{1,6}$/.test(text) ? `, not ${text}` : "";
    this.problems.push(`${name} must be a whole number from ${least} to ${most}${shown}.`);
    return fallback;
  }

  endpoint(name: string, text: string): string {
    try {
      const url = new URL(text);
      if (isSafe(url) && !url.username && !url.password && !/[?#]/.test(text)) return text;
    } catch {
      // Said below.
    }
    this.problems.push(
      `${name} must be an https address (http only on loopback) without credentials, ? or #.`,
    );
    return text;
  }

  /** The address of the database, from the first of two variables that is there. */
  databaseUrl(name: string, otherwise: string): string {
    const text = this.read(name) ?? this.read(otherwise) ?? "";
    if (!text) {
      this.problems.push(`${name} (or ${otherwise}) is missing: the address of the database.`);
    } else if (!isDatabaseUrl(text)) {
      this.problems.push(
        `${name} (or ${otherwise}) must be of the form postgresql://user:password@host:port/database, ` +
          "with special characters in the password escaped (%2F for /).",
      );
    }
    return text;
  }

  /** Fails if anything that was read can't be used. */
  finish(): void {
    if (this.problems.length > 0) throw new ConfigurationError(this.problems);
  }
}
