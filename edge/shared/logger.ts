// One NDJSON object a line, with fields from a list and nothing else.

import type { DescribedError, ErrorType } from "./errors.ts";
import { isLabel, sanitize } from "./sanitize.ts";

export interface Summary {
  invocation_id: string;
  total_active_mentors: number;
  total_evaluated: number;
  total_dispatched: number;
  total_suppressed: number;
  total_errors: number;
  pages_processed: number;
  duration_ms: number;
  completed: boolean;
  partial: boolean;
  remaining_unprocessed_count: number;
}

/** A request to the API and its answer: which route, never which ids. */
export interface ApiRequest {
  request_id: string;
  method: string;
  route: string;
  status: number;
  duration_ms: number;
  error_type?: ErrorType;
  error_message?: string;
}

type Level = "info" | "warn" | "error";

const FIELDS = [
  "request_id",
  "method",
  "route",
  "status",
  "invocation_id",
  "triggered_by",
  "peer_mentor_id",
  "error_type",
  "error_message",
  "counts",
  "note",
  "total_active_mentors",
  "total_evaluated",
  "total_dispatched",
  "total_suppressed",
  "total_errors",
  "pages_processed",
  "duration_ms",
  "completed",
  "partial",
  "remaining_unprocessed_count",
] as const;

const FREE_TEXTS: readonly string[] = ["triggered_by", "error_message", "note"];

const loggable = (text: string) => isLabel(text) ? text : sanitize(text);

type Fields = Partial<Record<typeof FIELDS[number], unknown>>;

/** The platform takes 100 log events in 10 seconds. */
const MENTOR_ENTRIES = 50;

export class StructuredLogger {
  constructor(
    private readonly write: (line: string) => void,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** The log of one run. */
  run(invocation_id: string): RunLogger {
    return new RunLogger(this, invocation_id);
  }

  /** Closes a request to the API. */
  request(request: ApiRequest): void {
    this.entry(request.status >= 500 ? "error" : "info", "api_request", { ...request });
  }

  entry(level: Level, event: string, fields: Fields): void {
    const allowed = FIELDS.filter((name) => fields[name] !== undefined).map((name) => [
      name,
      FREE_TEXTS.includes(name) ? loggable(String(fields[name])) : fields[name],
    ]);
    this.write(JSON.stringify({
      timestamp: this.now().toISOString(),
      level,
      component: "scenario-scheduler",
      event,
      ...Object.fromEntries(allowed),
    }));
  }
}

export class RunLogger {
  #entries = 0;
  #unwritten: Partial<Record<ErrorType, number>> = {};

  constructor(private readonly log: StructuredLogger, private readonly invocation_id: string) {}

  started(triggered_by: string): void {
    this.#entry("info", "scheduler_run_started", { triggered_by });
  }

  mentorError(peer_mentor_id: string, error: DescribedError): void {
    if (this.#entries < MENTOR_ENTRIES) {
      this.#entries++;
      this.#entry("warn", "mentor_evaluation_error", { peer_mentor_id, ...error });
    } else {
      this.#unwritten[error.error_type] = (this.#unwritten[error.error_type] ?? 0) + 1;
    }
  }

  failed(error: DescribedError): void {
    this.#entry("error", "scheduler_run_failed", { ...error });
  }

  /** What a run did besides the figures that all runs have. */
  counted(counts: Readonly<Record<string, number>>): void {
    this.#entry("info", "scheduler_run_counted", { counts });
  }

  /** Why a run that went well did nothing. */
  noted(note: string): void {
    this.#entry("info", "scheduler_run_noted", { note });
  }

  /** Closes the run's log: what was not written one by one, what is left, and the figures. */
  completed(summary: Summary): void {
    if (Object.keys(this.#unwritten).length > 0) {
      this.#entry("warn", "mentor_evaluation_errors_aggregated", { counts: this.#unwritten });
    }
    if (summary.partial) {
      const { remaining_unprocessed_count, pages_processed } = summary;
      this.#entry("warn", "scheduler_run_partial", {
        remaining_unprocessed_count,
        pages_processed,
      });
    }
    this.#entry("info", "scheduler_run_completed", { ...summary });
  }

  #entry(level: Level, event: string, fields: Fields): void {
    this.log.entry(level, event, { invocation_id: this.invocation_id, ...fields });
  }
}
