/** How often each of a few things happened, said in the same words however often that is. */
export class Counts<Name extends string = string> {
  readonly #counts: Map<Name, number>;

  constructor(names: readonly Name[] = []) {
    this.#counts = new Map(names.map((name) => [name, 0]));
  }

  add(name: Name, more = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + more);
  }

  /** Those of both. */
  plus(other: Counts): Counts {
    const sum = new Counts();
    for (const [name, count] of [...this, ...other]) sum.add(name, count);
    return sum;
  }

  [Symbol.iterator](): IterableIterator<[Name, number]> {
    return this.#counts.entries();
  }

  toString(): string {
    return [...this].map(([name, count]) => `${count} ${name}`).join(", ");
  }
}
