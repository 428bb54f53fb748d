// What the scripts print: steps with their time, and tables.

/** Runs a step, saying its name before and its time after. */
export async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const interactive = Deno.stdout.isTerminal();
  if (interactive) await Deno.stdout.write(new TextEncoder().encode(`  … ${name}`));
  try {
    const result = await work();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(`${interactive ? "\r" : ""}  ✓ ${name} (${seconds} s)`);
    return result;
  } catch (error) {
    console.log(`${interactive ? "\r" : ""}  ✗ ${name}`);
    throw error;
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString().slice(0, 16).replace("T", " ") + " UTC";
  if (typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** Rows as a table, with the columns of the first row. */
export function table(rows: readonly Record<string, unknown>[], indent = "    "): string {
  const first = rows[0];
  if (!first) return `${indent}(no rows)`;
  const columns = Object.keys(first);
  const cells = rows.map((row) => columns.map((column) => cell(row[column])));
  const widths = columns.map((column, i) =>
    Math.max(column.length, ...cells.map((row) => (row[i] ?? "").length))
  );
  const line = (values: string[]) =>
    indent + values.map((value, i) => value.padEnd(widths[i] ?? 0)).join("  ").trimEnd();
  return [
    line(columns),
    line(widths.map((width) => "─".repeat(width))),
    ...cells.map(line),
  ].join("\n");
}

/** Ends this program on Ctrl-C and its like, after what has to be put away is put away. */
export function onInterrupt(putAway: () => Promise<void>): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      console.error("\nInterrupted; cleaning up.");
      putAway().finally(() => Deno.exit(130));
    });
  }
}
