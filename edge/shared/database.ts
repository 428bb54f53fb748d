// The connection to PostgreSQL. It may lead through a transaction pooler, so
// nothing is kept in a session.

import postgres from "postgres";
import { TypedError } from "./errors.ts";

export type Sql = postgres.Sql<{ bigint: number }>;

const BIGINT = 20;
const TIMES = [1082, 1114, 1184];
const LISTS = [1009, 2951]; // of texts, of ids

/** As PostgreSQL reads a list. */
function writeList(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replaceAll(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** Rows come as database.types.ts describes them: numbers for bigint, texts for times. */
export function connect(url: string, name: string, connections = 2): Sql {
  return postgres(url, {
    max: connections,
    prepare: false,
    idle_timeout: 20,
    connect_timeout: 5,
    // A database that comes back is found within a second.
    backoff: (attempts: number) => Math.min(attempts / 10, 1),
    connection: { application_name: name },
    onnotice: () => {},
    // The types that are used are known here: a new connection need not ask for all.
    fetch_types: false,
    types: {
      ...Object.fromEntries(
        LISTS.map((type) => [`list${type}`, {
          to: type,
          from: [type],
          serialize: writeList,
          parse: (text: string) => text,
        }]),
      ),
      bigint: {
        to: BIGINT,
        from: [BIGINT],
        serialize: (value: number) => String(value),
        parse: Number,
      },
      date: {
        to: 1184,
        from: TIMES,
        serialize: (value: Date | string) =>
          typeof value === "string" ? value : value.toISOString(),
        parse: (text: string) => text,
      },
    },
  }) as unknown as Sql;
}

/** Longer than the statement_timeout of the dispatcher's login: the server answers first, if it can. */
const ANSWER_LIMIT_MS = 70_000;

type Value = string | number | boolean | null | readonly string[];
type Query = <Row extends object>(text: TemplateStringsArray, ...values: Value[]) => Promise<Row[]>;

/** A pool that is replaced when a connection falls silent, which nothing else would end. */
export class Database {
  #sql: Sql;

  constructor(private readonly open: () => Sql) {
    this.#sql = open();
  }

  /** Runs a query, written as with the driver itself. */
  readonly rows: Query = (text, ...values) => this.within(ANSWER_LIMIT_MS)(text, ...values);

  /** The same, for a query that must not take longer than that. */
  within(limitMs: number): Query {
    return async <Row extends object>(text: TemplateStringsArray, ...values: Value[]) => {
      const sql = this.#sql;
      const silence = Promise.withResolvers<never>();
      const timer = setTimeout(() => {
        if (this.#sql === sql) this.#sql = this.open();
        silence.reject(new TypedError("timeout_error", "the database did not answer in time"));
        // Other queries of the old pool may still be answered.
        sql.end({ timeout: limitMs / 1000 }).catch(() => {});
      }, limitMs);
      try {
        return await Promise.race([sql<Row[]>(text, ...values), silence.promise]);
      } finally {
        clearTimeout(timer);
      }
    };
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}
