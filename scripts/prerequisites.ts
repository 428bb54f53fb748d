// What make test, check, faults, fuzz and sabotage need beyond npm: PostgreSQL 15 with
// pg_cron, pgTAP and plpgsql_check, pg_prove, sqlsmith, and libfaketime. Debian
// packages, installed if missing.

const NEEDED: { package: string; file: string }[] = [
  { package: "postgresql-15", file: "/usr/lib/postgresql/15/bin/postgres" },
  { package: "postgresql-15-cron", file: "/usr/share/postgresql/15/extension/pg_cron.control" },
  { package: "postgresql-15-pgtap", file: "/usr/share/postgresql/15/extension/pgtap--1.2.0.sql" },
  {
    package: "postgresql-15-plpgsql-check",
    file: "/usr/share/postgresql/15/extension/plpgsql_check.control",
  },
  { package: "sqlsmith", file: "/usr/bin/sqlsmith" },
  {
    package: "libfaketime",
    file: `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`,
  },
  { package: "libtap-parser-sourcehandler-pgtap-perl", file: "/usr/bin/pg_prove" },
];

async function missingPackages(): Promise<string[]> {
  const missing: string[] = [];
  for (const needed of NEEDED) {
    if (!await Deno.stat(needed.file).then(() => true, () => false)) missing.push(needed.package);
  }
  return missing;
}

async function aptGet(...args: string[]): Promise<boolean> {
  const command = Deno.uid() === 0 ? ["apt-get"] : ["sudo", "-n", "apt-get"];
  try {
    const { success } = await new Deno.Command(command[0] ?? "", {
      args: [...command.slice(1), "--quiet", "--quiet", ...args],
      env: { DEBIAN_FRONTEND: "noninteractive" },
      stdout: "null",
      stderr: "inherit",
    }).output();
    return success;
  } catch {
    return false; // no apt-get, or no sudo
  }
}

const missing = await missingPackages();
if (missing.length > 0) {
  console.log(`Installing ${missing.join(", ")} …`);
  await aptGet("update");
  await aptGet("install", "--yes", "--no-install-recommends", ...missing);
  const still = await missingPackages();
  if (still.length > 0) {
    console.error(
      `\nThis needs ${still.join(", ")}, and they could not be installed.\n` +
        `On Debian 12: sudo apt-get install --no-install-recommends ${still.join(" ")}\n` +
        `make demo and make up need none of them.`,
    );
    Deno.exit(1);
  }
}
