import assert from "node:assert/strict";
import fc from "fast-check";
import {
  describeError,
  ERROR_TYPES,
  isLostConnection,
  isRefusedArgument,
  TypedError,
} from "./errors.ts";

const withCode = (code: string, message = "") => Object.assign(new Error(message), { code });

Deno.test("the types of errors are those of the contract", () => {
  assert.deepEqual([...ERROR_TYPES].sort(), [
    "authentication_error",
    "database_error",
    "evaluation_logic_error",
    "invalid_token",
    "network_error",
    "provider_error",
    "timeout_error",
  ]);
});

Deno.test("an error whose type is known keeps it and its message", () => {
  for (const type of ERROR_TYPES) {
    assert.deepEqual(describeError(new TypedError(type, "what happened")), {
      error_type: type,
      error_message: "what happened",
    });
  }
});

Deno.test("what did not answer in time is a timeout_error, in the network and in the database", async () => {
  const signal = AbortSignal.timeout(1);
  await new Promise((resolve) => signal.addEventListener("abort", resolve));
  assert.equal(describeError(signal.reason).error_type, "timeout_error");
  assert.equal(describeError(withCode("57014")).error_type, "timeout_error");
});

Deno.test("what the database refuses, and a connection that is lost, is a database_error that says the code", () => {
  for (
    const code of [
      "42501",
      "23505",
      "P0001",
      "ECONNREFUSED",
      "ENOTFOUND",
      "EAI_AGAIN",
      "CONNECTION_CLOSED",
      "CONNECT_TIMEOUT",
    ]
  ) {
    const { error_type, error_message } = describeError(withCode(code));
    assert.equal(error_type, "database_error", code);
    assert.ok(error_message.includes(code));
  }
});

Deno.test("a lost connection is told from a statement that failed", () => {
  for (
    const code of [
      "ECONNREFUSED",
      "ECONNRESET",
      "EAI_AGAIN",
      "CONNECTION_CLOSED",
      "57P01",
      "57P03",
    ]
  ) {
    assert.ok(isLostConnection(withCode(code)), code);
  }
  for (const code of ["42501", "23505", "57014", "22023", ""]) {
    assert.ok(!isLostConnection(withCode(code)), code);
  }
});

Deno.test("only what our own checks of arguments raise counts as the caller's mistake", () => {
  assert.ok(isRefusedArgument(withCode("22023")));
  assert.ok(isRefusedArgument(withCode("22004")));
  for (const error of [withCode("42501"), withCode("P0001"), new Error(), "22023", undefined]) {
    assert.ok(!isRefusedArgument(error));
  }
});

Deno.test("whatever is thrown has a type of the list, and its own text is not repeated", () => {
  const text = fc.uuid();
  const thrown = fc.oneof(
    text.map((said) => new Error(said)),
    text.map((said) => new TypeError(said, { cause: said })),
    text.map((said) => withCode("42P01", said)),
    text.map((said) => withCode("57014", said)),
    text.map((said) => withCode(said, said)),
    text.map((said) => new DOMException(said, "TimeoutError")),
    text,
    fc.anything(),
  );
  fc.assert(fc.property(thrown, (error) => {
    const { error_type, error_message } = describeError(error);
    assert.ok(ERROR_TYPES.includes(error_type));
    assert.ok(!/[0-9a-f]{8}-[0-9a-f]{4}/.test(error_message), error_message);
  }));
});
