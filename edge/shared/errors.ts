// What can go wrong, by type. A message that is made here holds nothing of the
// input, so that it may be logged and answered.

export const ERROR_TYPES = [
  "network_error",
  "timeout_error",
  "evaluation_logic_error",
  "database_error",
  "provider_error",
  "authentication_error",
  "invalid_token",
] as const;

export type ErrorType = typeof ERROR_TYPES[number];

export interface DescribedError {
  error_type: ErrorType;
  error_message: string;
}

/** A failure whose type is known where it happens. */
export class TypedError extends Error {
  constructor(readonly type: ErrorType, message: string) {
    super(message);
  }
}

/** The caller's mistake: answered with its status and said in the answer. */
export class RequestError extends Error {
  constructor(readonly status: number, readonly type: string, message: string) {
    super(message);
  }
}

/** The driver's code of an error: a SQLSTATE, or a name of its own. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

/** The server shuts down, or an operator ended the connection. */
export function isEndedByServer(error: unknown): boolean {
  return /^57P0[1-3]$/.test(codeOf(error));
}

/** The driver's own: ECONNREFUSED, CONNECTION_CLOSED, CONNECT_TIMEOUT, …; and what the server says at the end. */
export function isLostConnection(error: unknown): boolean {
  return isEndedByServer(error) || /^(E[A-Z_]+|CONNECT(ION)?_[A-Z]+)$/.test(codeOf(error));
}

/** Raised by our own checks of arguments, whose messages are made for the caller. */
export function isRefusedArgument(error: unknown): error is Error {
  return ["22023", "22004"].includes(codeOf(error));
}

const CANCELED = "57014"; // statement_timeout among others

/** The one place that maps an error to its type. */
export function describeError(error: unknown): DescribedError {
  if (error instanceof TypedError) {
    return { error_type: error.type, error_message: error.message };
  }
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return { error_type: "timeout_error", error_message: "no answer in time" };
  }
  const code = codeOf(error);
  if (code === CANCELED) {
    return { error_type: "timeout_error", error_message: "the database took too long" };
  }
  if (isLostConnection(error)) {
    return {
      error_type: "database_error",
      error_message: `no connection to the database: ${code}`,
    };
  }
  if (["42883", "3F000", "42501"].includes(code)) {
    return {
      error_type: "database_error",
      error_message:
        `the database answered ${code}: are the migrations applied, and has the login its rights?`,
    };
  }
  if (/^[0-9A-Z]{5}$/.test(code)) {
    return { error_type: "database_error", error_message: `the database answered ${code}` };
  }
  const name = error instanceof Error ? error.name : typeof error;
  return { error_type: "evaluation_logic_error", error_message: `unexpected ${name}` };
}
