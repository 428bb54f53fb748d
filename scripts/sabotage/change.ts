// What is taken away from a copy of the checkout, and the tests that are to notice it.

/** A text that stands once in a file, and what stands there instead. */
export interface Change {
  kind: "function" | "versions" | "migrations" | "file";
  /** The name of the function, or the path of the file. */
  where: string;
  find: string;
  put: string;
}

/** A test file; where it has tests of several kinds, a part of the names of those that are to notice. */
export interface Tests {
  file: string;
  filter?: string;
}

export interface Sabotage {
  name: string;
  /** What is missing then. */
  removed: string;
  changes: Change[];
  tests: Tests[];
}

/** In a function of the database: in its file and in the migration that defines it last. */
export const inFunction = (where: string, find: string, put = ""): Change => ({
  kind: "function",
  where,
  find,
  put,
});

/** In each migration that defines a function: what an earlier version did when it ran stays done. */
export const inEveryVersion = (where: string, find: string, put = ""): Change => ({
  kind: "versions",
  where,
  find,
  put,
});

/** In what migrations make besides functions. */
export const inMigrations = (find: string, put = ""): Change => ({
  kind: "migrations",
  where: "sql/migrations",
  find,
  put,
});

export const inFile = (where: string, find: string, put = ""): Change => ({
  kind: "file",
  where,
  find,
  put,
});

/** Tests by their paths; of "file: part of a name" only those with that part. */
export const tests = (...wanted: string[]): Tests[] =>
  wanted.map((each) => {
    const [file = "", ...filter] = each.split(": ");
    return filter.length === 0 ? { file } : { file, filter: filter.join(": ") };
  });

/** A text that no longer stands where it stood, or more than once. */
export class Moved extends Error {}

export type Texts = Map<string, string>;

function replaceOnce(text: string, { find, put }: Change, where: string): string {
  const times = text.split(find).length - 1;
  if (times !== 1) {
    throw new Moved(
      `this stands ${times} times in ${where}, not once: ${find.trim().replaceAll(/\s+/g, " ")}`,
    );
  }
  return text.replace(find, () => put);
}

/** A migration that defines a function: from where it is defined to the end of its body. */
interface Definition {
  path: string;
  from: number;
  to: number;
}

/** In the order in which they run. */
function definitions(texts: Texts, name: string): Definition[] {
  const found: Definition[] = [];
  for (const [path, text] of texts) {
    if (!path.startsWith("sql/migrations/")) continue;
    const defined = [
      ...text.matchAll(new RegExp(`^create or replace function \\w+\\.${name}\\(`, "gm")),
    ];
    const from = defined.at(-1)?.index;
    if (from === undefined) continue;
    const to = text.indexOf("\n$$;\n", from);
    found.push({ path, from, to: to < 0 ? text.length : to });
  }
  if (found.length === 0) throw new Moved(`no migration makes the function ${name}`);
  return found.sort((one, other) => one.path < other.path ? -1 : 1);
}

/** The files that a change changes, as they are then. */
function applied(change: Change, texts: Texts): Texts {
  const changed: Texts = new Map();
  if (change.kind === "migrations") {
    const holding = [...texts].filter(([path, text]) =>
      path.startsWith("sql/migrations/") && text.includes(change.find)
    );
    if (holding.length !== 1) {
      throw new Moved(
        `this stands in ${holding.length} migrations, not in one: ${change.find.trim()}`,
      );
    }
    for (const [path, text] of holding) changed.set(path, replaceOnce(text, change, path));
    return changed;
  }
  const path = change.kind === "file" ? change.where : `sql/functions/${change.where}.sql`;
  const text = texts.get(path);
  if (text === undefined) throw new Moved(`there is no ${path}`);
  changed.set(path, replaceOnce(text, change, path));
  if (change.kind === "file") return changed;
  const versions = definitions(texts, change.where);
  for (const { path, from, to } of change.kind === "versions" ? versions : versions.slice(-1)) {
    const migration = texts.get(path) ?? "";
    changed.set(
      path,
      migration.slice(0, from) +
        replaceOnce(migration.slice(from, to), change, `${change.where} of ${path}`) +
        migration.slice(to),
    );
  }
  return changed;
}

/** All files that a sabotage changes, as they are then. */
export function sabotaged(changes: readonly Change[], texts: Texts): Texts {
  const changed: Texts = new Map();
  for (const change of changes) {
    for (const [path, text] of applied(change, new Map([...texts, ...changed]))) {
      changed.set(path, text);
    }
  }
  return changed;
}
