// All that is taken away, one after the other.

import { ACCESS } from "./access.ts";
import { CERTIFICATIONS } from "./certifications.ts";
import type { Sabotage } from "./change.ts";
import { EDGE } from "./edge.ts";
import { EVALUATION } from "./evaluation.ts";
import { KEYS } from "./keys.ts";
import { LEDGER } from "./ledger.ts";
import { CLAIM, RECORD } from "./outbox.ts";
import { STATE } from "./state.ts";

export const SABOTAGES: Sabotage[] = [
  ...EDGE,
  ...KEYS,
  ...STATE,
  ...EVALUATION,
  ...CLAIM,
  ...RECORD,
  ...LEDGER,
  ...CERTIFICATIONS,
  ...ACCESS,
];
