// pgTAP without an extension: a server that npm brought has none of Debian's.

const PGTAP = "/usr/share/postgresql/15/extension/pgtap--1.2.0.sql";

/** pgTAP as a script: the extension's own, without the line that refuses to be run as one. */
export async function pgtapScript(): Promise<string> {
  const script = await Deno.readTextFile(PGTAP);
  return script.replace(/^\\echo.*$/m, "");
}
