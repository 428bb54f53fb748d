// A way to a server that a test can break: it lies between a function and
// PostgreSQL, or between two who speak HTTP, and cuts connections where it is told to.

import { server } from "../../scripts/testing.ts";

/** What becomes of a connection whose client says a certain thing. */
export interface Break {
  /** A text in the statement or the request, the name of a function for example. */
  at: string;
  /**
   * before: it does not arrive. halfway: half of it does. after: it is carried out, and its answer
   * is lost. halfway back: the same, but for the first half of the answer.
   */
  when: "before" | "halfway" | "after" | "halfway back";
}

interface Armed extends Break {
  done: PromiseWithResolvers<string>;
}

interface Protocol {
  /** Whether what a client says has something carried out, and is no mere preparation. */
  executes(said: Uint8Array): boolean;
  /** Whether an answer that has come so far tells that it was. */
  isEnough(answer: Uint8Array): boolean;
}

/** What a client sends to have a statement carried out: its arguments, or its text alone. */
const EXECUTING = ["B", "Q"].map((type) => type.charCodeAt(0));

/** The last message of an answer says how the connection stands, in a byte. Before it nothing is committed. */
const READY = ["Z".charCodeAt(0), 0, 0, 0, 5];

const PROTOCOLS = {
  // The driver has a statement parsed first, and sends its arguments when that is answered.
  postgres: {
    executes: (said) => typesOf(said).some((type) => EXECUTING.includes(type)),
    isEnough: (answer) => {
      const last = answer.subarray(-READY.length - 1);
      return READY.every((byte, i) => last[i] === byte);
    },
  },
  http: { executes: () => true, isEnough: () => true },
} satisfies Record<string, Protocol>;

export class Proxy {
  /** up; refusing: nobody listens; closing: who connects is sent away; silent: no word is answered. */
  #state: "up" | "refusing" | "closing" | "silent" = "up";
  readonly port: number;
  #listener: Deno.TcpListener;
  readonly #connections = new Set<() => void>();
  readonly #work = new Set<Promise<void>>();
  readonly #breaks: Armed[] = [];
  readonly #protocol: Protocol;
  /** How many connections have ended, whoever ended them. */
  cuts = 0;

  constructor(
    protocol: keyof typeof PROTOCOLS = "postgres",
    /** The port that it leads to. */
    public target = server.port,
  ) {
    this.#protocol = PROTOCOLS[protocol];
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#take(this.#accept());
  }

  /** The same connection string, on this way. */
  url(direct: string): string {
    return direct.replace(`127.0.0.1:${this.target}/`, `127.0.0.1:${this.port}/`);
  }

  /** Resolves when it has broken, with the answer that was lost or cut short, if there was one. */
  breakAt(next: Break): Promise<string> {
    const done = Promise.withResolvers<string>();
    this.#breaks.push({ ...next, done });
    return done.promise;
  }

  /** Whether a break is still to come. */
  get isToBreak(): boolean {
    return this.#breaks.length > 0;
  }

  /** Cuts every connection, and returns how many there were. */
  cut(): number {
    const { size } = this.#connections;
    this.cuts += size;
    for (const close of [...this.#connections]) close();
    return size;
  }

  goDown(how: "refusing" | "closing" | "silent"): void {
    this.#state = how;
    if (how === "refusing") this.#listener.close();
    this.cut();
  }

  comeUp(): void {
    if (this.#state === "refusing") {
      this.#listener = Deno.listen({ hostname: "127.0.0.1", port: this.port });
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
    const beyond = await Deno.connect({ hostname: "127.0.0.1", port: this.target });
    const close = () => {
      if (!this.#connections.delete(close)) return;
      closeIfOpen(client);
      closeIfOpen(beyond);
    };
    this.#connections.add(close);
    const decoder = new TextDecoder();
    let broken: Armed | undefined;
    let answersAreLost = false;
    let answer = new Uint8Array();
    const upwards = async () => {
      for await (const bytes of client.readable) {
        const said = decoder.decode(bytes);
        const found = broken ? -1 : this.#breaks.findIndex(({ at }) => said.includes(at));
        if (found >= 0) [broken] = this.#breaks.splice(found, 1);
        if (broken?.when === "before") break;
        if (broken?.when === "halfway") {
          await writeAll(beyond, half(bytes));
          break;
        }
        if (broken && this.#protocol.executes(bytes)) answersAreLost = true;
        await writeAll(beyond, bytes);
      }
    };
    const downwards = async () => {
      for await (const bytes of beyond.readable) {
        if (!broken || !answersAreLost) {
          await writeAll(client, bytes);
          continue;
        }
        answer = joined(answer, bytes);
        if (!this.#protocol.isEnough(answer)) continue;
        if (broken.when === "halfway back") await writeAll(client, half(answer));
        break;
      }
    };
    // Whichever way ends first, both do.
    await Promise.race([upwards(), downwards()].map((way) => way.catch(() => {})));
    if (this.#connections.has(close)) this.cuts++;
    close();
    broken?.done.resolve(decoder.decode(answer));
  }
}

/** Of what has a head and a body the whole head, and half of the body that is there. */
function half(bytes: Uint8Array): Uint8Array {
  const head = new TextDecoder("latin1").decode(bytes).indexOf("\r\n\r\n");
  const body = head < 0 ? 0 : head + 4;
  return bytes.subarray(0, Math.ceil((body + bytes.length) / 2));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
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
