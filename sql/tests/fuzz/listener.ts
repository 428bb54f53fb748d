// A way to the database on which all is heard that the server says: sqlsmith itself looks
// at no result.

import { LENS } from "./lens.ts";

const ERROR = "E".charCodeAt(0);
const NOTICE = "N".charCodeAt(0);
const ROW = "D".charCodeAt(0);
const READY = "Z".charCodeAt(0);
const QUERY = "Q".charCodeAt(0);
const GOODBYE = "X".charCodeAt(0);

/** What sqlsmith says first on the connection on which it tries its statements. */
const ITS_NAME = "sqlsmith::dut";

/**
 * What sqlsmith says, and what arrives instead: it would wait for a second, hear no notice, and
 * read the catalog as it is and not as lens.ts shows it.
 */
const INSTEAD: [RegExp, string][] = [
  [/^set statement_timeout to '1s'/i, "set statement_timeout to '200ms'"],
  [/^set client_min_messages to 'ERROR'/i, "set client_min_messages to 'debug1'"],
  [/\bfrom information_schema\.tables\b/, `from ${LENS}.tables`],
  [/\bfrom pg_proc\b/, `from ${LENS}.functions`],
  [/\bfrom pg_catalog\.pg_operator\b/, `from ${LENS}.operators`],
];

/**
 * Of what sqlsmith compares, most is null, and few rows of a sample come: so every other
 * statement arrives with conditions that hold, that there be rows to look at.
 */
const OPENED: [RegExp, string][] = [
  [/\btablesample (system|bernoulli) \([\d.]+\)/g, "tablesample $1 (100)"],
  [/(?<=^|\n)( *)where /g, "$1where true or "],
  [/(?<=^|\n)( *)on \(/g, "$1on (true or "],
];

export interface Said {
  kind: "row" | "error" | "notice";
  text: string;
  statement: string;
}

export interface DatabaseError {
  code: string;
  message: string;
  /** In which functions it was raised. */
  context: string;
  statement: string;
}

/** The messages in a stream of PostgreSQL's protocol, whole ones, as the bytes come in. */
class Messages {
  #rest = new Uint8Array();

  *of(bytes: Uint8Array, isFirst = () => false): Generator<Uint8Array> {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const view = new DataView(all.buffer);
    let at = 0;
    while (true) {
      // The very first message of a client has no type before its length.
      const head = isFirst() ? 0 : 1;
      if (all.length - at < head + 4) break;
      const length = head + view.getInt32(at + head);
      if (all.length - at < length) break;
      yield all.subarray(at, at + length);
      at += length;
    }
    this.#rest = all.slice(at);
  }
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

function query(statement: string): Uint8Array {
  const text = encoder.encode(`${statement}\0`);
  const message = new Uint8Array(5 + text.length);
  message[0] = QUERY;
  new DataView(message.buffer).setInt32(1, 4 + text.length);
  message.set(text, 5);
  return message;
}

function fieldsOf(message: Uint8Array): Map<string, string> {
  const fields = decoder.decode(message.subarray(5)).split("\0").filter((field) => field !== "");
  return new Map(fields.map((field) => [field.slice(0, 1), field.slice(1)]));
}

export class Listener {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #connections = new Set<() => void>();
  readonly #work = new Set<Promise<void>>();
  readonly #said = new Set<RegExp>();
  /** The statements that were tried. */
  statements = 0;
  rows = 0;
  notices = 0;
  /** Connections that the server closed, and not sqlsmith. */
  lost = 0;
  readonly errors: DatabaseError[] = [];

  constructor(readonly server: number, readonly hear: (said: Said) => void) {
    this.#take(this.#accept());
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** What nothing arrived instead of: sqlsmith says it no more, or otherwise. */
  unsaid(): RegExp[] {
    return [...INSTEAD, ...OPENED].map(([said]) => said).filter((said) => !this.#said.has(said));
  }

  async end(): Promise<void> {
    this.#listener.close();
    for (const close of [...this.#connections]) close();
    await Promise.all(this.#work);
  }

  #take(work: Promise<void>): void {
    const done = work.catch(() => {}).then(() => void this.#work.delete(done));
    this.#work.add(done);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) this.#take(this.#join(client));
  }

  async #join(client: Deno.TcpConn): Promise<void> {
    const database = await Deno.connect({ hostname: "127.0.0.1", port: this.server });
    const close = () => {
      if (!this.#connections.delete(close)) return;
      for (const end of [client, database]) {
        try {
          end.close();
        } catch {
          // Closed when it was read to its end.
        }
      }
    };
    this.#connections.add(close);
    let isTrying = false;
    let statement = "";
    let isOver = false;

    const upwards = async () => {
      const messages = new Messages();
      let isFirst = true;
      for await (const bytes of client.readable) {
        for (const message of messages.of(bytes, () => isFirst)) {
          const kind = isFirst ? 0 : message[0];
          isFirst = false;
          if (kind !== QUERY) {
            isOver ||= kind === GOODBYE;
            await writeAll(database, message);
            continue;
          }
          statement = decoder.decode(message.subarray(5, -1));
          const isTried = isTrying && !/^(ROLLBACK|BEGIN|set)\b/i.test(statement);
          if (!isTried) statement = this.#replace(INSTEAD, statement);
          else if (this.statements++ % 2 === 1) statement = this.#replace(OPENED, statement);
          if (statement.includes(ITS_NAME)) isTrying = true;
          await writeAll(database, query(statement));
        }
      }
      isOver = true;
    };
    const downwards = async () => {
      const messages = new Messages();
      for await (const bytes of database.readable) {
        for (const message of messages.of(bytes)) this.#note(message, statement);
        await writeAll(client, bytes);
      }
      if (!isOver) this.lost++;
    };
    await Promise.race([upwards(), downwards()].map((way) => way.catch(() => {})));
    close();
  }

  #replace(what: [RegExp, string][], statement: string): string {
    return what.reduce((text, [said, instead]) => {
      const arriving = text.replace(said, instead);
      if (arriving !== text) this.#said.add(said);
      return arriving;
    }, statement);
  }

  #note(message: Uint8Array, statement: string): void {
    const kind = message[0];
    if (kind === READY) return;
    if (kind === ROW) {
      this.rows++;
      this.hear({ kind: "row", text: decoder.decode(message.subarray(7)), statement });
    } else if (kind === ERROR || kind === NOTICE) {
      const fields = fieldsOf(message);
      // Where in PostgreSQL's source it was raised tells nothing of anybody's rows.
      const said = ["M", "D", "H", "W", "s", "t", "c", "d", "n"].map((name) => fields.get(name))
        .filter((field) => field !== undefined);
      const text = said.join("\n");
      this.hear({ kind: kind === ERROR ? "error" : "notice", text, statement });
      if (kind === NOTICE) this.notices++;
      else {
        this.errors.push({
          code: fields.get("C") ?? "",
          message: fields.get("M") ?? "",
          context: fields.get("W") ?? "",
          statement,
        });
      }
    }
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
