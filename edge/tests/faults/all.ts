// Every fault that is done, in the order of the table.

import { BACKEND_FAULTS } from "./backend_kills.ts";
import { CLOCK_FAULTS } from "./clock.ts";
import { CONNECTION_FAULTS } from "./connections.ts";
import { DISK_FAULTS } from "./disk.ts";
import { DISPATCHER_FAULTS } from "./dispatcher.ts";
import type { Fault } from "./fault.ts";
import { PROVIDER_FAULTS } from "./provider.ts";
import { REQUEST_FAULTS } from "./requests.ts";
import { SERVER_FAULTS } from "./server_crashes.ts";
import { SLEEPER_FAULTS } from "./sleepers.ts";
import { TICK_FAULTS } from "./ticks.ts";

export const FAULTS: readonly Fault[] = [
  ...DISPATCHER_FAULTS,
  ...SLEEPER_FAULTS,
  ...BACKEND_FAULTS,
  ...SERVER_FAULTS,
  ...DISK_FAULTS,
  ...CONNECTION_FAULTS,
  ...REQUEST_FAULTS,
  ...TICK_FAULTS,
  ...PROVIDER_FAULTS,
  ...CLOCK_FAULTS,
];
