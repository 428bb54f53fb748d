// The portal's part of the environment. It is read by itself, so that a mistake in it
// fails the sync and not the pushes.

import { type Environment, EnvironmentReader } from "../../shared/environment.ts";

/** What the portal calls the columns of a certification. */
export interface PortalFields {
  external_id: string;
  member_id: string;
  name: string;
  expires_on: string;
  modified_on: string;
  /** 0 while a row is active. */
  state: string;
}

export interface PortalConfiguration {
  tokenUrl: string;
  clientId: string;
  clientSecret: string;
  /** Ends in a slash. */
  apiUrl: string;
  entitySet: string;
  fields: PortalFields;
  pageSize: number;
}

/** The variables that are the portal's. */
export const PORTAL_VARIABLES = [
  "HLF_SYNC_ENABLED",
  "HLF_TOKEN_URL",
  "HLF_CLIENT_ID",
  "HLF_CLIENT_SECRET",
  "HLF_API_URL",
  "HLF_ENTITY_SET",
  "HLF_FIELDS",
  "HLF_PAGE_SIZE",
];

const SWITCH = new Map([["true", true], ["1", true], ["false", false], ["0", false]]);

const FIELDS: PortalFields = {
  external_id: "hlf_certificationid",
  member_id: "hlf_memberid",
  name: "hlf_name",
  expires_on: "hlf_expireson",
  modified_on: "modifiedon",
  state: "statecode",
};

/** As OData writes the name of a table or a column. */
const ODATA_NAME = /^[A-Za-z_]\w{0,127}$/;

function readFields(reader: EnvironmentReader): PortalFields {
  const known = Object.keys(FIELDS).join(", ");
  let given: unknown;
  try {
    given = JSON.parse(reader.read("HLF_FIELDS") ?? "{}");
  } catch {
    // Said below.
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    reader.problems.push(
      `HLF_FIELDS must be a JSON object with the portal's names of the fields ${known}.`,
    );
    return FIELDS;
  }
  for (const [key, name] of Object.entries(given)) {
    if (!Object.hasOwn(FIELDS, key)) {
      reader.problems.push(`HLF_FIELDS names a field that is not known. Known are: ${known}.`);
    } else if (typeof name !== "string" || !ODATA_NAME.test(name)) {
      reader.problems.push(
        `${key} in HLF_FIELDS must be the name of a column: letters, digits and underscores.`,
      );
    }
  }
  return { ...FIELDS, ...given };
}

/** Undefined where the sync is switched off, as it is by default. */
export function readPortal(environment: Environment): PortalConfiguration | undefined {
  const reader = new EnvironmentReader(environment);
  const enabled = SWITCH.get((reader.read("HLF_SYNC_ENABLED") ?? "false").toLowerCase());
  if (enabled === undefined) reader.problems.push("HLF_SYNC_ENABLED must be true or false.");
  if (!enabled) {
    reader.finish();
    return undefined;
  }

  const needed = (name: string, what: string): string => {
    const value = reader.read(name);
    if (value === undefined) {
      reader.problems.push(`${name} is missing: ${what} (or set HLF_SYNC_ENABLED=false).`);
    }
    return value ?? "";
  };
  const address = (name: string, what: string): string => {
    const text = needed(name, what);
    return text && reader.endpoint(name, text);
  };
  const configuration = {
    tokenUrl: address("HLF_TOKEN_URL", "where the portal's access tokens come from"),
    clientId: needed("HLF_CLIENT_ID", "the application that may read the portal"),
    clientSecret: needed("HLF_CLIENT_SECRET", "the secret of that application"),
    apiUrl: address("HLF_API_URL", "the portal's Web API, https://…/api/data/v9.2/ for example")
      .replace(/\/*$/, "/"),
    entitySet: reader.read("HLF_ENTITY_SET") ?? "hlf_certifications",
    fields: readFields(reader),
    pageSize: reader.wholeNumber("HLF_PAGE_SIZE", 1000, 1, 5000),
  };
  if (!ODATA_NAME.test(configuration.entitySet)) {
    reader.problems.push(
      "HLF_ENTITY_SET must be the name of a table, as the Web API has it: letters, digits and underscores.",
    );
  }
  reader.finish();
  return configuration;
}
