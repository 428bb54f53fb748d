// Rows of one organisation in every table, generated from the catalog so that no new
// table is forgotten. What stands in a column says which column it is from.

import type { Sql } from "../../../scripts/server.ts";

/** By which what was planted is known again, in each type that can hold it. */
export interface Bird {
  word: string;
  /** The first eight digits of a UUID. */
  id: string;
  /** The first digits of a number: six follow, of the table, the column and the row. */
  number: number;
  /** The first of the twenty years in which all dates lie. */
  year: number;
}

/** Of the callers' own organisation and about the mentor who is one of them. */
export const SPARROW: Bird = { word: "sparrow", id: "5fa44005", number: 635, year: 1610 };
/** Of the same organisation, about this mentor's colleagues. */
export const MAGPIE: Bird = { word: "magpie", id: "3a69b1e0", number: 535, year: 1510 };
/** Of the other one. Norwegian for a canary, which is in the catalog already, for the islands' Spanish. */
export const CANARY: Bird = { word: "kanarifugl", id: "ca4a41ca", number: 735, year: 1710 };

/** Those about whom the rows are. */
export interface Ids {
  organisation: string;
  chapter: string;
  mentor: string;
  coordinator: string;
  run: string;
  /** Told from other rows of the table by this. */
  row: number;
}

/** Tables that tell of no organisation. */
const NOBODYS = ["jobs", "milestones", "portal_syncs", "retention", "scenarios", "tracked_sources"];

interface Column {
  schema: string;
  table: string;
  column: string;
  type: string;
}

/** What must be something else, so that the row is allowed and in use: by column, or table and column. */
const PLAIN: Record<string, string> = {
  "peer_mentors.status": "'active'",
  "invocations.status": "'completed'",
  "notifications.status": "'pending'",
  "notifications.attempts": "0",
  "notifications.deliver_after": "now() - interval '1 hour'",
  "notifications.expires_at": "now() + interval '1 day'",
  "notifications.next_attempt_at": "null",
  "notifications.lease_expires_at": "null",
  "notifications.cooldown_window_start": "current_date",
  "certification_rejects.reason": "'no_member'",
  "certifications.revoked_at": "null",
  "device_tokens.disabled_at": "null",
  "push_attempts.outcome": "'sent'",
  "requests.outcome": "'lost'",
  "staff.role": "'coordinator'",
  "pauses.job_name": "null",
  "pauses.resumed_at": "now()",
  "organisation_state.active_mentors": "12",
  "peer_mentors.joined_on": "current_date - 300",
  "mentor_state.inactivity_reminders": "0",
  "mentor_state.silent_since": "current_date - 300",
  "mentor_state.joined_on": "current_date - 300",
  "scenario_templates.scenario_type": "'inactivity'",
  "scenario_config.params": "'{}'",
  active: "true",
  cooldown_days: "30",
  daily_cap: "1",
  enabled: "true",
  job_name: "'scenario-evaluation'",
  locale: "'nb'",
  on_ambiguous: "'resend'",
  on_roster: "true",
  platform: "'android'",
  priority: "10",
  push_enabled: "true",
  quiet_end: "time '08:00'",
  quiet_start: "time '21:00'",
  scenario_type: "'milestone'",
  timezone: "'Europe/Oslo'",
  ttl_hours: "72",
  weekly_cap: "3",
};

function idOf({ table, column }: Column, ids: Ids): string | undefined {
  const own: Record<string, string> = {
    organisations: ids.organisation,
    chapters: ids.chapter,
    peer_mentors: ids.mentor,
    invocations: ids.run,
  };
  if (column === "id") return own[table];
  if (table === "staff" && column === "user_id") return ids.coordinator;
  return {
    organisation_id: ids.organisation,
    chapter_id: ids.chapter,
    user_id: ids.mentor,
    peer_mentor_id: ids.mentor,
    coordinator_id: ids.coordinator,
    invocation_id: ids.run,
  }[column];
}

const DAYS_A_TABLE = 50;

/** A date by its days since the year 0 of our count, as PostgreSQL writes it. */
const dateOf = (year: number, days: number) =>
  new Date(Date.UTC(year, 0, 1 + days)).toISOString().slice(0, 10);

export class Aviary {
  private constructor(readonly columns: Column[], readonly tables: string[]) {}

  static async read(sql: Sql): Promise<Aviary> {
    const columns = await sql<Column[]>`
      select c.relnamespace::regnamespace::text as schema, c.relname as table, a.attname as column,
        format_type(a.atttypid, null) as type
      from pg_class as c
      join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
      where c.relnamespace in ('public'::regnamespace, 'scheduler'::regnamespace) and c.relkind = 'r'
        and c.relname <> all (${NOBODYS})
      order by 1, 2, a.attnum
    `;
    const tables = [...new Set(columns.map(({ schema, table }) => `${schema}.${table}`))];
    return new Aviary([...columns], tables);
  }

  #places(column: Column): { table: number; column: number } {
    const own = this.columns.filter(({ schema, table }) =>
      schema === column.schema && table === column.table
    );
    return {
      table: this.tables.indexOf(`${column.schema}.${column.table}`),
      column: own.indexOf(column),
    };
  }

  #uuid(bird: Bird, column: Column, row: number): string {
    const { table, column: position } = this.#places(column);
    const last = String(position * 100 + row).padStart(12, "0");
    return `${bird.id}-${String(table).padStart(4, "0")}-4000-8000-${last}`;
  }

  #value(bird: Bird, column: Column, ids: Ids): string {
    const plain = PLAIN[`${column.table}.${column.column}`] ?? PLAIN[column.column];
    if (plain) return plain;
    const place = this.#places(column);
    const word = `'${bird.word}-${column.table}-${column.column}-${ids.row}'`;
    const number = String(
      bird.number * 1_000_000 + place.table * 10_000 + place.column * 100 + ids.row,
    );
    const day = dateOf(bird.year, place.table * DAYS_A_TABLE + place.column);
    const id = idOf(column, ids) ?? this.#uuid(bird, column, ids.row);
    switch (column.type) {
      case "text":
        return word;
      case "text[]":
        return `array[${word}]`;
      case "uuid":
        return `'${id}'`;
      case "uuid[]":
        return `array['${column.column === "organisation_ids" ? ids.organisation : id}'::uuid]`;
      case "smallint":
      case "integer":
      case "bigint":
      case "numeric":
        return number;
      case "date":
        return `date '${day}'`;
      case "timestamp with time zone":
        return `timestamptz '${day} 11:00Z'`;
      case "jsonb":
        return `jsonb_build_object(${word}, jsonb_build_object(${word}, ${number}))`;
      case "bytea":
        return `convert_to(${word}, 'UTF8')`;
      case "boolean":
        return "false";
    }
    throw new Error(
      `Nothing is known to plant in ${column.table}.${column.column}, which is ${column.type}: ` +
        `write in sql/tests/fuzz/canaries.ts what holds a canary there.`,
    );
  }

  /** Ids that say themselves of which column they are. */
  tellingIds(bird: Bird, row: number): Ids {
    const id = (table: string, name = "id") => {
      const found = this.columns.find((each) => each.table === table && each.column === name);
      if (!found) throw new Error(`There is no column ${table}.${name} to plant ids of.`);
      return this.#uuid(bird, found, row);
    };
    return {
      organisation: id("organisations"),
      chapter: id("chapters"),
      mentor: id("peer_mentors"),
      coordinator: id("staff", "user_id"),
      run: id("invocations"),
      row,
    };
  }

  /** The columns of which something was planted, as seen() names them. */
  planted(): string[] {
    const ids = { ...this.tellingIds(CANARY, 0), row: 0 };
    return this.columns.filter((column) =>
      !(`${column.table}.${column.column}` in PLAIN) && !(column.column in PLAIN) &&
      column.type !== "boolean" &&
      (column.column === "id" ||
        (idOf(column, ids) === undefined && column.column !== "organisation_ids") ||
        `${column.table}.${column.column}` === "staff.user_id")
    ).map(({ table, column }) => `${table}.${column}`).sort();
  }

  /** Rows in every table. As the superuser: triggers and foreign keys are passed over. */
  async plant(admin: Sql, bird: Bird, about: Ids[]): Promise<void> {
    await admin.begin(async (sql) => {
      await sql.unsafe("set local session_replication_role = replica");
      for (const table of this.tables) {
        const columns = this.columns.filter((each) => `${each.schema}.${each.table}` === table);
        const rows = about.map((ids) =>
          `(${columns.map((column) => this.#value(bird, column, ids)).join(", ")})`
        );
        await sql.unsafe(`
          insert into ${table} (${columns.map(({ column }) => column).join(", ")})
          overriding system value
          values ${rows.join(", ")}
          on conflict do nothing
        `).catch((error) => {
          throw new Error(`Nothing could be planted in ${table}`, { cause: error });
        });
      }
    });
  }

  #name(table: number, column: number): string[] {
    const own = this.columns.filter(({ schema, table: name }) =>
      `${schema}.${name}` === this.tables[table]
    );
    return own[column] ? [`${own[column].table}.${own[column].column}`] : [];
  }

  /** The columns from which something is in a text: as it is, backwards, in hex or in base64. */
  seen(bird: Bird, text: string): Set<string> {
    const { trace, word, id, number, day } = patternsOf(bird);
    if (!trace.test(text)) return new Set();
    const found = readings(bird, text).flatMap((said) => [
      ...[...said.matchAll(word)].map(([whole, table, column]) =>
        table ? `${table}.${column}` : whole
      ),
      ...[...said.matchAll(id)].flatMap(([, table, rest]) =>
        this.#name(Number(table), Math.floor(Number(rest) / 100))
      ),
      ...[...said.matchAll(number)].flatMap(([, table, column]) =>
        this.#name(Number(table), Number(column))
      ),
      ...[...said.matchAll(day)].flatMap(([date]) => {
        const days = (Date.parse(date) - Date.UTC(bird.year, 0, 1)) / 86_400_000;
        return this.#name(Math.floor(days / DAYS_A_TABLE), days % DAYS_A_TABLE);
      }),
    ]);
    return new Set(found);
  }
}

interface Patterns {
  /** Whether to look closer. */
  trace: RegExp;
  word: RegExp;
  id: RegExp;
  number: RegExp;
  day: RegExp;
}

const patterns = new Map<Bird, Patterns>();

function patternsOf(bird: Bird): Patterns {
  const known = patterns.get(bird);
  if (known) return known;
  const year = `${String(bird.year).slice(0, 2)}[12]\\d`;
  // Not as a part of a random UUID.
  const number = `(?<![0-9a-f])${bird.number}(\\d\\d)(\\d\\d)\\d\\d(?![0-9a-f])`;
  const hidden = [reversed(bird.word), hexOf(bird.word), btoa(bird.word).slice(0, 8)];
  const found = {
    trace: new RegExp([bird.word, ...hidden, bird.id, number, `${year}-\\d\\d`].join("|"), "i"),
    word: new RegExp(`${bird.word}(?:-([a-z_]+)-([a-z_]+))?`, "g"),
    id: new RegExp(`${bird.id}-(\\d{4})-4000-8000-(\\d{12})`, "g"),
    number: new RegExp(number, "g"),
    day: new RegExp(`(?<!\\d)${year}-\\d\\d-\\d\\d`, "g"),
  };
  patterns.set(bird, found);
  return found;
}

const hexOf = (text: string) =>
  [...new TextEncoder().encode(text)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const fromHex = (hex: string) =>
  hex.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
const reversed = (text: string) => [...text].reverse().join("");

/** What a text says, and what it says when it is turned round or decoded. */
function readings({ word }: Bird, text: string): string[] {
  const lower = text.toLowerCase();
  const found = [lower];
  if (lower.includes(reversed(word))) found.push(reversed(lower));
  for (const [hex] of lower.matchAll(new RegExp(`${hexOf(word)}(?:[0-9a-f]{2})*`, "g"))) {
    found.push(fromHex(hex));
  }
  if (text.includes(btoa(word).slice(0, 8))) found.push(word);
  return found;
}
