// Runs queries as the caller: the database decides what that is worth.

import type { Database, Query } from "../shared/database.ts";
import type { Caller } from "./verify.ts";

/** Longer than the statement_timeout of the API's login (8 s): the server answers first, if it can. */
const ANSWER_LIMIT_MS = 20_000;

/** Runs queries in one transaction, with the rights and the identity of one caller. */
export type AsCaller = <Result>(
  caller: Caller,
  work: (query: Query) => Promise<Result>,
) => Promise<Result>;

export function callerOf(database: Database): AsCaller {
  return (caller, work) =>
    database.transaction(ANSWER_LIMIT_MS, async (query) => {
      // Nothing of this outlives the transaction: a pooler may give the session to anybody.
      await query`
        select set_config('role', ${caller.role}, true),
          set_config('request.jwt.claims', ${JSON.stringify(caller)}, true),
          set_config('timezone', 'UTC', true)
      `;
      return await work(query);
    });
}
