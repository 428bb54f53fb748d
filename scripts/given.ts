// What a program is given by its environment, and refuses.

/** What was read; where it can't be, says why and ends the program. */
export function orRefuse<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(2);
  }
}

/** Those of which the name has a part that ONLY='one|another' gives, or all. */
export function chosen<T extends { name: string }>(all: readonly T[]): T[] {
  const only = Deno.env.get("ONLY");
  const parts = only?.split("|").filter((part) => part !== "") ?? [];
  const found = parts.length === 0
    ? [...all]
    : all.filter(({ name }) => parts.some((part) => name.includes(part)));
  if (found.length > 0) return found;
  const names = all.map(({ name }) => `  ${name}`).join("\n");
  throw new Error(`No name has "${only}" in it. There are:\n${names}`);
}
