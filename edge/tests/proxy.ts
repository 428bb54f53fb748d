// A way to the database that a test can break: it lies between the function and
// PostgreSQL, and cuts connections where it is told to.

import { server } from "../../scripts/testing.ts";

/** What becomes of a connection whose client says a certain thing. */
export interface Break {
  /** A text in the statement, the name of a function for example. */
  at: string;
  /** before: the statement does not arrive. after: it is carried out, and its answer is lost. */
  when: "before" | "after";
}

/** What a client sends to have a statement carried out: its arguments, or its text alone. */
const EXECUTING = ["B", "Q"].map((type) => type.charCodeAt(0));

export class Proxy {
  /** up; refusing: nobody listens; closing: who connects is sent away; silent: no word is answered. */
  #state: "up" | "refusing" | "closing" | "silent" = "up";
  readonly #port: number;
  #listener: Deno.TcpListener;
  readonly #connections = new Set<() => void>();
  readonly #work = new Set<Promise<void>>();
  readonly #breaks: Break[] = [];
  /** How many connections it cut. */
  cuts = 0;

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#port = this.#listener.addr.port;
    this.#take(this.#accept());
  }

  /** The same connection string, on this way. */
  url(direct: string): string {
    return direct.replace(`127.0.0.1:${server.port}/`, `127.0.0.1:${this.#port}/`);
  }

  breakAt(next: Break): void {
    this.#breaks.push(next);
  }

  /** Whether a break is still to come. */
  get isToBreak(): boolean {
    return this.#breaks.length > 0;
  }

  /** Cuts every connection. */
  cut(): void {
    this.cuts += this.#connections.size;
    for (const close of [...this.#connections]) close();
  }

  goDown(how: "refusing" | "closing" | "silent"): void {
    this.#state = how;
    if (how === "refusing") this.#listener.close();
    this.cut();
  }

  comeUp(): void {
    if (this.#state === "refusing") {
      this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.#port });
      this.#take(this.#accept());
    }
    this.#state = "up";
  }

  async end(): Promise<void> {
    if (this.#state !== "refusing") this.#listener.close();
    for (const close of [...this.#connections]) close();
    await Promise.all(this.#work);
  }

  #take(work: Promise<void>): void {
    // What fails is a connection that was cut.
    const done = work.catch(() => {}).then(() => void this.#work.delete(done));
    this.#work.add(done);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) {
      if (this.#state === "closing") closeIfOpen(client);
      else if (this.#state === "silent") this.#connections.add(() => closeIfOpen(client));
      else this.#take(this.#join(client));
    }
  }

  async #join(client: Deno.TcpConn): Promise<void> {
    const database = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    const close = () => {
      if (!this.#connections.delete(close)) return;
      closeIfOpen(client);
      closeIfOpen(database);
    };
    this.#connections.add(close);
    let isDoomed = false;
    let answersAreLost = false;
    const upwards = async () => {
      for await (const bytes of client.readable) {
        const said = new TextDecoder().decode(bytes);
        const found = this.#breaks.findIndex(({ at }) => said.includes(at));
        const [broken] = found < 0 ? [] : this.#breaks.splice(found, 1);
        if (broken?.when === "before") break;
        if (broken?.when === "after") isDoomed = true;
        // The driver has a statement parsed first, and sends its arguments when that is answered.
        if (isDoomed && typesOf(bytes).some((type) => EXECUTING.includes(type))) {
          answersAreLost = true;
        }
        await writeAll(database, bytes);
      }
    };
    const downwards = async () => {
      for await (const bytes of database.readable) {
        if (answersAreLost) break;
        await writeAll(client, bytes);
      }
    };
    // Whichever way ends first, both do.
    await Promise.race([upwards(), downwards()].map((way) => way.catch(() => {})));
    if (this.#connections.has(close)) this.cuts++;
    close();
  }
}

/** The types of the messages that a client sends at once: a byte each, and a length after it. */
function typesOf(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length; at += 1 + view.getUint32(at + 1)) {
    types.push(view.getUint8(at));
  }
  return types;
}

/** Whoever stops reading from one side closes it. */
function closeIfOpen(side: Deno.TcpConn): void {
  try {
    side.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

async function writeAll(to: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
}
