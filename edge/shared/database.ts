// The connection to PostgreSQL. It may lead through a transaction pooler, so
// nothing is kept in a session.

import postgres from "postgres";

export type Sql = postgres.Sql<{ bigint: number }>;

const BIGINT = 20;
const TIMES = [1082, 1114, 1184];

/** Rows come as database.types.ts describes them: numbers for bigint, texts for times. */
export function connect(url: string, name: string): Sql {
  return postgres(url, {
    max: 2,
    prepare: false,
    idle_timeout: 20,
    connect_timeout: 10,
    connection: { application_name: name },
    onnotice: () => {},
    types: {
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
