// The connection to PostgreSQL. It may lead through a transaction pooler, so
// nothing is kept in a session.

import postgres from "postgres";
import { isEndedByServer, isLostConnection, TypedError } from "./errors.ts";

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
export type Query = <Row extends object>(
  text: TemplateStringsArray,
  ...values: Value[]
) => Promise<Row[]>;

/**
 * The driver's begin sends a rollback, and what the work says next, to a connection that is
 * gone, too, and that fails in a place where nothing catches it. So it never hears of such
 * an end, and nothing more is said after it.
 */
async function transact<Result>(
  sql: Sql,
  work: (query: Query) => Promise<Result>,
): Promise<Result> {
  const lost = Promise.withResolvers<never>();
  const never = new Promise<never>(() => {});
  let isOver = false;
  try {
    const { result } = await Promise.race([
      sql.begin(async (transaction) => {
        try {
          return {
            result: await work(async (text, ...values) =>
              isOver ? await never : await transaction(text, ...values)
            ),
          };
        } catch (error) {
          if (!isLostConnection(error)) throw error;
          lost.reject(error);
          return await never;
        }
      }),
      lost.promise,
    ]);
    return result;
  } finally {
    isOver = true;
  }
}

/** A pool that is replaced when a connection falls silent, which nothing else would end, or is ended by the server. */
export class Database {
  #sql: Sql;

  constructor(private readonly open: () => Sql) {
    this.#sql = open();
  }

  /** Runs a query, written as with the driver itself. */
  readonly rows: Query = (text, ...values) => this.within(ANSWER_LIMIT_MS)(text, ...values);

  /** The same, for a query that must not take longer than that. */
  within(limitMs: number): Query {
    return <Row extends object>(text: TemplateStringsArray, ...values: Value[]) =>
      this.#answered(limitMs, (sql) => sql<Row[]>(text, ...values));
  }

  /**
   * Runs queries in one transaction: all of them count, or none. One that could not even
   * begin, because the server had ended the connection meanwhile, begins once more.
   */
  async transaction<Result>(
    limitMs: number,
    work: (query: Query) => Promise<Result>,
  ): Promise<Result> {
    let begun = false;
    const begin = () =>
      this.#answered(limitMs, (sql) =>
        transact(sql, (query) => {
          begun = true;
          return work(query);
        }));
    try {
      return await begin();
    } catch (error) {
      if (begun || !isEndedByServer(error)) throw error;
      return await begin();
    }
  }

  /** What the driver makes of it, or an error when that takes too long. */
  async #answered<Result>(limitMs: number, ask: (sql: Sql) => Promise<Result>): Promise<Result> {
    const sql = this.#sql;
    const silence = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      this.#replace(sql, limitMs);
      silence.reject(new TypedError("timeout_error", "the database did not answer in time"));
    }, limitMs);
    try {
      return await Promise.race([ask(sql), silence.promise]);
    } catch (error) {
      // The driver would tell the end of a connection once more, to whoever has it next.
      if (isLostConnection(error)) this.#replace(sql, limitMs);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #replace(sql: Sql, limitMs: number): void {
    if (this.#sql === sql) this.#sql = this.open();
    // Other queries of the old pool may still be answered.
    sql.end({ timeout: limitMs / 1000 }).catch(() => {});
  }

  async close(): Promise<void> {
    await this.#sql.end({ timeout: 1 });
  }
}
