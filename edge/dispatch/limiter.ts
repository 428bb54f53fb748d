/** Lets at most `limit` pieces of work run at a time; the others wait in line. */
export class Limiter {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.limit) this.#running++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // Whose turn is next takes the place over.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }

  /** Does the work for all items, in their order. */
  async forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < items.length) {
        const item = items[next++] as T;
        await this.run(() => work(item));
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.limit, items.length) }, worker));
  }
}
