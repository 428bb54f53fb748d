// Written by `make types` from the database.

export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[];

export type Database = {
  "public": {
    Tables: {
      "activities": {
        Row: {
          "activity_date": string;
          "id": number;
          "kind": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "activity_date": string;
          "id"?: never;
          "kind"?: string | null;
          "user_id": string;
        };
        Update: {
          "activity_date"?: string;
          "id"?: never;
          "kind"?: string | null;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "activities_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "peer_mentors";
            referencedColumns: ["id"];
          },
        ];
      };
      "certifications": {
        Row: {
          "expires_on": string | null;
          "external_id": string | null;
          "id": string;
          "name": string;
          "revoked_at": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "expires_on"?: string | null;
          "external_id"?: string | null;
          "id"?: string;
          "name"?: string;
          "revoked_at"?: string | null;
          "user_id": string;
        };
        Update: {
          "expires_on"?: string | null;
          "external_id"?: string | null;
          "id"?: string;
          "name"?: string;
          "revoked_at"?: string | null;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "peer_mentors";
            referencedColumns: ["id"];
          },
        ];
      };
      "chapter_coordinators": {
        Row: {
          "chapter_id": string;
          "coordinator_id": string;
        };
        ComputedFields: never;
        Insert: {
          "chapter_id": string;
          "coordinator_id": string;
        };
        Update: {
          "chapter_id"?: string;
          "coordinator_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "coordinators_are_of_a_chapter";
            columns: ["chapter_id"];
            isOneToOne: false;
            referencedRelation: "chapters";
            referencedColumns: ["id"];
          },
        ];
      };
      "chapters": {
        Row: {
          "id": string;
          "name": string;
          "organisation_id": string;
        };
        ComputedFields: never;
        Insert: {
          "id"?: string;
          "name": string;
          "organisation_id": string;
        };
        Update: {
          "id"?: string;
          "name"?: string;
          "organisation_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "chapters_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisations";
            referencedColumns: ["id"];
          },
        ];
      };
      "coordinator_assignments": {
        Row: {
          "coordinator_id": string;
          "peer_mentor_id": string;
        };
        ComputedFields: never;
        Insert: {
          "coordinator_id": string;
          "peer_mentor_id": string;
        };
        Update: {
          "coordinator_id"?: string;
          "peer_mentor_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "assignments_are_of_a_mentor";
            columns: ["peer_mentor_id"];
            isOneToOne: false;
            referencedRelation: "peer_mentors";
            referencedColumns: ["id"];
          },
        ];
      };
      "device_tokens": {
        Row: {
          "disabled_at": string | null;
          "id": number;
          "last_seen_at": string;
          "platform": string | null;
          "provider": string | null;
          "token": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "disabled_at"?: string | null;
          "id"?: never;
          "last_seen_at"?: string;
          "platform"?: string | null;
          "provider"?: string | null;
          "token": string;
          "user_id": string;
        };
        Update: {
          "disabled_at"?: string | null;
          "id"?: never;
          "last_seen_at"?: string;
          "platform"?: string | null;
          "provider"?: string | null;
          "token"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "mentor_status_history": {
        Row: {
          "certifications": (string)[] | null;
          "changed_at": string;
          "changed_by": string;
          "from_status": string | null;
          "id": number;
          "reason": string | null;
          "to_status": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "certifications"?: (string)[] | null;
          "changed_at"?: string;
          "changed_by": string;
          "from_status"?: string | null;
          "id"?: never;
          "reason"?: string | null;
          "to_status": string;
          "user_id": string;
        };
        Update: {
          "certifications"?: (string)[] | null;
          "changed_at"?: string;
          "changed_by"?: string;
          "from_status"?: string | null;
          "id"?: never;
          "reason"?: string | null;
          "to_status"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "notification_preferences": {
        Row: {
          "push_enabled": boolean;
          "scenario_type": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "push_enabled"?: boolean;
          "scenario_type": string;
          "user_id": string;
        };
        Update: {
          "push_enabled"?: boolean;
          "scenario_type"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "organisations": {
        Row: {
          "id": string;
          "locale": string | null;
          "name": string;
          "timezone": string | null;
        };
        ComputedFields: never;
        Insert: {
          "id"?: string;
          "locale"?: string | null;
          "name": string;
          "timezone"?: string | null;
        };
        Update: {
          "id"?: string;
          "locale"?: string | null;
          "name"?: string;
          "timezone"?: string | null;
        };
        Relationships: [];
      };
      "peer_mentors": {
        Row: {
          "chapter_id": string | null;
          "id": string;
          "joined_on": string;
          "locale": string | null;
          "organisation_id": string;
          "status": string;
          "timezone": string | null;
        };
        ComputedFields: never;
        Insert: {
          "chapter_id"?: string | null;
          "id": string;
          "joined_on"?: string;
          "locale"?: string | null;
          "organisation_id": string;
          "status"?: string;
          "timezone"?: string | null;
        };
        Update: {
          "chapter_id"?: string | null;
          "id"?: string;
          "joined_on"?: string;
          "locale"?: string | null;
          "organisation_id"?: string;
          "status"?: string;
          "timezone"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "peer_mentors_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisations";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "peer_mentors_may_belong_to_a_chapter";
            columns: ["chapter_id"];
            isOneToOne: false;
            referencedRelation: "chapters";
            referencedColumns: ["id"];
          },
        ];
      };
      "staff": {
        Row: {
          "organisation_id": string;
          "role": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "organisation_id": string;
          "role": string;
          "user_id": string;
        };
        Update: {
          "organisation_id"?: string;
          "role"?: string;
          "user_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "staff_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisations";
            referencedColumns: ["id"];
          },
        ];
      };
    };
    Views: {
      [_ in never]: never;
    };
    Functions: {
      "annotate_invocation": {
        Args: { "invocation_id": string; "note": string };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_entry"];
        SetofOptions: {
          from: "*";
          to: "invocation_entry";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "apply_portal_page": {
        Args: {
          "certifications": Json;
          "invocation_id"?: string;
          "next_cursor"?: string;
          "page": number;
          "source": string;
          "started_at": string;
        };
        Returns: Database["scheduler"]["CompositeTypes"]["portal_page_result"];
        SetofOptions: {
          from: "*";
          to: "portal_page_result";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "begin_portal_sync": {
        Args: { "anew"?: boolean; "source": string };
        Returns: Database["scheduler"]["CompositeTypes"]["portal_round"];
        SetofOptions: {
          from: "*";
          to: "portal_round";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "claim_notifications": {
        Args: { "batch_size": number; "invocation_id": string; "lease": string };
        Returns: Database["scheduler"]["CompositeTypes"]["claimed_notification"][];
        SetofOptions: {
          from: "*";
          to: "claimed_notification";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "coordinator_mentor_status": {
        Args: { "after"?: string; "chapter_id"?: string; "page_size"?: number; "status"?: string };
        Returns: Database["scheduler"]["CompositeTypes"]["mentor_status"][];
        SetofOptions: {
          from: "*";
          to: "mentor_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "delete_invocation": { Args: { "invocation_id": string }; Returns: undefined };
      "evaluate_mentors": {
        Args: { "dry_run"?: boolean; "scenarios"?: (string)[]; "user_ids": (string)[] };
        Returns: Database["scheduler"]["CompositeTypes"]["batch_evaluation"];
        SetofOptions: {
          from: "*";
          to: "batch_evaluation";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "explain_scenario_evaluation": {
        Args: { "as_of"?: string; "user_id": string };
        Returns: {
          "decision": string;
          "due": boolean;
          "explanation": string;
          "facts": Json;
          "reason": string;
          "scenario_type": string;
        }[];
      };
      "finish_invocation": {
        Args: {
          "details"?: Json;
          "error_message"?: string;
          "error_type"?: string;
          "errors"?: Json;
          "invocation_id": string;
          "pages_processed"?: number;
          "status": string;
          "total_candidates"?: number;
          "total_dispatched"?: number;
        };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_summary"];
        SetofOptions: {
          from: "*";
          to: "invocation_summary";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "get_invocation": {
        Args: { "invocation_id": string };
        Returns: {
          "entry": Database["scheduler"]["CompositeTypes"]["invocation_entry"];
          "figures": Database["scheduler"]["CompositeTypes"]["invocation_figures"];
        }[];
      };
      "heartbeat_invocation": { Args: { "invocation_id": string }; Returns: undefined };
      "invocation_summary": {
        Args: { "invocation_id": string };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_summary"];
        SetofOptions: {
          from: "*";
          to: "invocation_summary";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "list_invocations": {
        Args: {
          "before_id"?: string;
          "before_requested_at"?: string;
          "job_name"?: string;
          "page_size"?: number;
          "requested_from"?: string;
          "requested_to"?: string;
          "status"?: string;
        };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_entry"][];
        SetofOptions: {
          from: "*";
          to: "invocation_entry";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "record_push_results": {
        Args: { "invocation_id"?: string; "results": Json };
        Returns: {
          "notification_id": number;
          "recorded": boolean;
          "status": string;
        }[];
      };
      "request_invocation": {
        Args: {
          "dry_run"?: boolean;
          "idempotency_key"?: string;
          "job_name"?: string;
          "scenarios"?: (string)[];
        };
        Returns: {
          "answer": Json;
          "replayed": boolean;
        }[];
      };
      "run_certification_expiry": {
        Args: { "as_of"?: string; "dry_run"?: boolean };
        Returns: Database["scheduler"]["CompositeTypes"]["status_change"][];
        SetofOptions: {
          from: "*";
          to: "status_change";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "run_scenario_evaluation": {
        Args: {
          "as_of"?: string;
          "dry_run"?: boolean;
          "invocation_id"?: string;
          "organisation_ids"?: (string)[];
          "scenarios"?: (string)[];
          "user_ids"?: (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["candidate"][];
        SetofOptions: {
          from: "*";
          to: "candidate";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "scheduler_status": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "component": string;
          "detail": string;
          "status": string;
        }[];
      };
      "start_invocation": {
        Args: {
          "dry_run"?: boolean;
          "invocation_id"?: string;
          "job_name": string;
          "organisation_ids"?: (string)[];
          "scenarios"?: (string)[];
          "scheduled_for"?: string;
          "triggered_by"?: string;
          "webhook_id"?: string;
        };
        Returns: {
          "id": string;
          "started": boolean;
        }[];
      };
      "stop_invocation": {
        Args: { "invocation_id": string };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_entry"];
        SetofOptions: {
          from: "*";
          to: "invocation_entry";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      [_ in never]: never;
    };
  };
  "scheduler": {
    Tables: {
      "certification_checks": {
        Row: {
          "noted_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "noted_at"?: string;
          "user_id": string;
        };
        Update: {
          "noted_at"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "certification_rejects": {
        Row: {
          "external_id": string;
          "first_seen_at": string;
          "invocation_id": string | null;
          "last_seen_at": string;
          "reason": string;
          "source": string;
          "times": number;
        };
        ComputedFields: never;
        Insert: {
          "external_id": string;
          "first_seen_at"?: string;
          "invocation_id"?: string | null;
          "last_seen_at"?: string;
          "reason": string;
          "source": string;
          "times"?: number;
        };
        Update: {
          "external_id"?: string;
          "first_seen_at"?: string;
          "invocation_id"?: string | null;
          "last_seen_at"?: string;
          "reason"?: string;
          "source"?: string;
          "times"?: number;
        };
        Relationships: [];
      };
      "certification_watermarks": {
        Row: {
          "checked_until": string;
          "organisation_id": string;
        };
        ComputedFields: never;
        Insert: {
          "checked_until": string;
          "organisation_id": string;
        };
        Update: {
          "checked_until"?: string;
          "organisation_id"?: string;
        };
        Relationships: [];
      };
      "idempotency_keys": {
        Row: {
          "answer": Json | null;
          "idempotency_key": string;
          "request": NonNullable<Json>;
          "used_at": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "answer"?: Json | null;
          "idempotency_key": string;
          "request": NonNullable<Json>;
          "used_at"?: string;
          "user_id": string;
        };
        Update: {
          "answer"?: Json | null;
          "idempotency_key"?: string;
          "request"?: NonNullable<Json>;
          "used_at"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "invocation_notes": {
        Row: {
          "invocation_id": string;
          "note": string;
          "noted_at": string;
          "noted_by": string;
          "organisation_id": string;
        };
        ComputedFields: never;
        Insert: {
          "invocation_id": string;
          "note": string;
          "noted_at"?: string;
          "noted_by": string;
          "organisation_id": string;
        };
        Update: {
          "invocation_id"?: string;
          "note"?: string;
          "noted_at"?: string;
          "noted_by"?: string;
          "organisation_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "note_is_on_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "invocations";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "note_is_on_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "run_history";
            referencedColumns: ["invocation_id"];
          },
          {
            foreignKeyName: "note_is_on_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "scheduler_execution_log";
            referencedColumns: ["invocation_id"];
          },
        ];
      };
      "invocation_shares": {
        Row: {
          "invocation_id": string;
          "organisation_id": string;
          "suppressed": NonNullable<Json>;
          "total_active_mentors": number;
          "total_candidates": number;
          "total_evaluated": number;
        };
        ComputedFields: never;
        Insert: {
          "invocation_id": string;
          "organisation_id": string;
          "suppressed"?: NonNullable<Json>;
          "total_active_mentors": number;
          "total_candidates": number;
          "total_evaluated": number;
        };
        Update: {
          "invocation_id"?: string;
          "organisation_id"?: string;
          "suppressed"?: NonNullable<Json>;
          "total_active_mentors"?: number;
          "total_candidates"?: number;
          "total_evaluated"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "share_is_of_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "invocations";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "share_is_of_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "run_history";
            referencedColumns: ["invocation_id"];
          },
          {
            foreignKeyName: "share_is_of_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "scheduler_execution_log";
            referencedColumns: ["invocation_id"];
          },
        ];
      };
      "invocations": {
        Row: {
          "as_of": string | null;
          "attempt": number;
          "details": Json | null;
          "dry_run": boolean;
          "error_message": string | null;
          "error_type": string | null;
          "errors": Json | null;
          "finished_at": string | null;
          "heartbeat_at": string | null;
          "http_status": number | null;
          "id": string;
          "job_name": string;
          "organisation_ids": (string)[] | null;
          "pages_processed": number | null;
          "remaining_unprocessed_count": number | null;
          "request_id": number | null;
          "requested_at": string;
          "requested_by": string | null;
          "retry_of": string | null;
          "scenarios": (string)[] | null;
          "scheduled_for": string | null;
          "started_at": string | null;
          "status": string;
          "status_reason": string | null;
          "stop_requested_at": string | null;
          "suppressed": Json | null;
          "total_active_mentors": number | null;
          "total_candidates": number | null;
          "total_dispatched": number | null;
          "total_errors": number | null;
          "total_evaluated": number | null;
          "total_suppressed": number | null;
          "triggered_by": string | null;
          "webhook_id": string | null;
          "count_invocation": Database["scheduler"]["CompositeTypes"]["invocation_figures"] | null;
        };
        ComputedFields: "count_invocation";
        Insert: {
          "as_of"?: string | null;
          "attempt"?: number;
          "details"?: Json | null;
          "dry_run"?: boolean;
          "error_message"?: string | null;
          "error_type"?: string | null;
          "errors"?: Json | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string | null;
          "http_status"?: number | null;
          "id"?: string;
          "job_name": string;
          "organisation_ids"?: (string)[] | null;
          "pages_processed"?: number | null;
          "remaining_unprocessed_count"?: number | null;
          "request_id"?: number | null;
          "requested_at"?: string;
          "requested_by"?: string | null;
          "retry_of"?: string | null;
          "scenarios"?: (string)[] | null;
          "scheduled_for"?: string | null;
          "started_at"?: string | null;
          "status": string;
          "status_reason"?: string | null;
          "stop_requested_at"?: string | null;
          "suppressed"?: Json | null;
          "total_active_mentors"?: number | null;
          "total_candidates"?: number | null;
          "total_dispatched"?: number | null;
          "total_errors"?: number | null;
          "total_evaluated"?: number | null;
          "total_suppressed"?: number | null;
          "triggered_by"?: string | null;
          "webhook_id"?: string | null;
        };
        Update: {
          "as_of"?: string | null;
          "attempt"?: number;
          "details"?: Json | null;
          "dry_run"?: boolean;
          "error_message"?: string | null;
          "error_type"?: string | null;
          "errors"?: Json | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string | null;
          "http_status"?: number | null;
          "id"?: string;
          "job_name"?: string;
          "organisation_ids"?: (string)[] | null;
          "pages_processed"?: number | null;
          "remaining_unprocessed_count"?: number | null;
          "request_id"?: number | null;
          "requested_at"?: string;
          "requested_by"?: string | null;
          "retry_of"?: string | null;
          "scenarios"?: (string)[] | null;
          "scheduled_for"?: string | null;
          "started_at"?: string | null;
          "status"?: string;
          "status_reason"?: string | null;
          "stop_requested_at"?: string | null;
          "suppressed"?: Json | null;
          "total_active_mentors"?: number | null;
          "total_candidates"?: number | null;
          "total_dispatched"?: number | null;
          "total_errors"?: number | null;
          "total_evaluated"?: number | null;
          "total_suppressed"?: number | null;
          "triggered_by"?: string | null;
          "webhook_id"?: string | null;
        };
        Relationships: [];
      };
      "jobs": {
        Row: {
          "catch_up": string | null;
          "cron_name": string | null;
          "enabled": boolean;
          "job_name": string;
          "kind": string;
          "last_tick_for": string;
          "notes": string | null;
          "scenarios": (string)[] | null;
          "schedule": string | null;
          "staff_may_start": boolean;
          "target": string;
          "timeout": string;
          "waits_for": string | null;
        };
        ComputedFields: never;
        Insert: {
          "catch_up"?: string | null;
          "cron_name"?: string | null;
          "enabled"?: boolean;
          "job_name": string;
          "kind": string;
          "last_tick_for"?: string;
          "notes"?: string | null;
          "scenarios"?: (string)[] | null;
          "schedule"?: string | null;
          "staff_may_start"?: boolean;
          "target": string;
          "timeout"?: string;
          "waits_for"?: string | null;
        };
        Update: {
          "catch_up"?: string | null;
          "cron_name"?: string | null;
          "enabled"?: boolean;
          "job_name"?: string;
          "kind"?: string;
          "last_tick_for"?: string;
          "notes"?: string | null;
          "scenarios"?: (string)[] | null;
          "schedule"?: string | null;
          "staff_may_start"?: boolean;
          "target"?: string;
          "timeout"?: string;
          "waits_for"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "job_waits_for_a_job";
            columns: ["waits_for"];
            isOneToOne: false;
            referencedRelation: "jobs";
            referencedColumns: ["job_name"];
          },
        ];
      };
      "mentor_state": {
        Row: {
          "active": boolean;
          "activity_count": number;
          "inactivity_reminders": number;
          "inactivity_rests_until": string;
          "joined_on": string | null;
          "last_activity_on": string | null;
          "locale": string | null;
          "milestone_by": string | null;
          "next_milestone": number | null;
          "on_roster": boolean;
          "organisation_id": string | null;
          "silent_since": string | null;
          "timezone": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: boolean;
          "activity_count"?: number;
          "inactivity_reminders"?: number;
          "inactivity_rests_until"?: string;
          "joined_on"?: string | null;
          "last_activity_on"?: string | null;
          "locale"?: string | null;
          "milestone_by"?: string | null;
          "next_milestone"?: number | null;
          "on_roster"?: boolean;
          "organisation_id"?: string | null;
          "silent_since"?: never;
          "timezone"?: string | null;
          "user_id": string;
        };
        Update: {
          "active"?: boolean;
          "activity_count"?: number;
          "inactivity_reminders"?: number;
          "inactivity_rests_until"?: string;
          "joined_on"?: string | null;
          "last_activity_on"?: string | null;
          "locale"?: string | null;
          "milestone_by"?: string | null;
          "next_milestone"?: number | null;
          "on_roster"?: boolean;
          "organisation_id"?: string | null;
          "silent_since"?: never;
          "timezone"?: string | null;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "milestones": {
        Row: {
          "milestone": number;
        };
        ComputedFields: never;
        Insert: {
          "milestone": number;
        };
        Update: {
          "milestone"?: number;
        };
        Relationships: [];
      };
      "notifications": {
        Row: {
          "attempts": number;
          "body": string;
          "claimed_by": string | null;
          "cooldown_window_start": string | null;
          "created_at": string;
          "data": NonNullable<Json>;
          "deliver_after": string;
          "due_at": string | null;
          "evaluation_date": string;
          "expires_at": string;
          "id": number;
          "invocation_id": string | null;
          "lease_expires_at": string | null;
          "lease_token": string | null;
          "next_attempt_at": string | null;
          "occurrence_key": string;
          "organisation_id": string | null;
          "requeued_at": string | null;
          "scenario_type": string;
          "sent_at": string | null;
          "status": string;
          "status_reason": string | null;
          "title": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "attempts"?: number;
          "body": string;
          "claimed_by"?: string | null;
          "cooldown_window_start"?: string | null;
          "created_at"?: string;
          "data"?: NonNullable<Json>;
          "deliver_after"?: string;
          "due_at"?: never;
          "evaluation_date": string;
          "expires_at"?: string;
          "id"?: number;
          "invocation_id"?: string | null;
          "lease_expires_at"?: string | null;
          "lease_token"?: string | null;
          "next_attempt_at"?: string | null;
          "occurrence_key": string;
          "organisation_id"?: string | null;
          "requeued_at"?: string | null;
          "scenario_type": string;
          "sent_at"?: string | null;
          "status"?: string;
          "status_reason"?: string | null;
          "title": string;
          "user_id": string;
        };
        Update: {
          "attempts"?: number;
          "body"?: string;
          "claimed_by"?: string | null;
          "cooldown_window_start"?: string | null;
          "created_at"?: string;
          "data"?: NonNullable<Json>;
          "deliver_after"?: string;
          "due_at"?: never;
          "evaluation_date"?: string;
          "expires_at"?: string;
          "id"?: number;
          "invocation_id"?: string | null;
          "lease_expires_at"?: string | null;
          "lease_token"?: string | null;
          "next_attempt_at"?: string | null;
          "occurrence_key"?: string;
          "organisation_id"?: string | null;
          "requeued_at"?: string | null;
          "scenario_type"?: string;
          "sent_at"?: string | null;
          "status"?: string;
          "status_reason"?: string | null;
          "title"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "organisation_settings": {
        Row: {
          "daily_cap": number | null;
          "id": number;
          "locale": string | null;
          "on_ambiguous": string | null;
          "organisation_id": string | null;
          "paused": boolean;
          "quiet_end": string | null;
          "quiet_start": string | null;
          "timezone": string | null;
          "weekly_cap": number | null;
        };
        ComputedFields: never;
        Insert: {
          "daily_cap"?: number | null;
          "id"?: never;
          "locale"?: string | null;
          "on_ambiguous"?: string | null;
          "organisation_id"?: string | null;
          "paused"?: boolean;
          "quiet_end"?: string | null;
          "quiet_start"?: string | null;
          "timezone"?: string | null;
          "weekly_cap"?: number | null;
        };
        Update: {
          "daily_cap"?: number | null;
          "id"?: never;
          "locale"?: string | null;
          "on_ambiguous"?: string | null;
          "organisation_id"?: string | null;
          "paused"?: boolean;
          "quiet_end"?: string | null;
          "quiet_start"?: string | null;
          "timezone"?: string | null;
          "weekly_cap"?: number | null;
        };
        Relationships: [];
      };
      "organisation_state": {
        Row: {
          "active_mentors": number;
          "organisation_id": string;
        };
        ComputedFields: never;
        Insert: {
          "active_mentors"?: number;
          "organisation_id": string;
        };
        Update: {
          "active_mentors"?: number;
          "organisation_id"?: string;
        };
        Relationships: [];
      };
      "pauses": {
        Row: {
          "id": number;
          "job_name": string | null;
          "organisation_id": string | null;
          "paused_at": string;
          "paused_by": string;
          "reason": string | null;
          "resumed_at": string | null;
          "resumed_by": string | null;
        };
        ComputedFields: never;
        Insert: {
          "id"?: never;
          "job_name"?: string | null;
          "organisation_id"?: string | null;
          "paused_at"?: string;
          "paused_by": string;
          "reason"?: string | null;
          "resumed_at"?: string | null;
          "resumed_by"?: string | null;
        };
        Update: {
          "id"?: never;
          "job_name"?: string | null;
          "organisation_id"?: string | null;
          "paused_at"?: string;
          "paused_by"?: string;
          "reason"?: string | null;
          "resumed_at"?: string | null;
          "resumed_by"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "pause_is_of_a_job";
            columns: ["job_name"];
            isOneToOne: false;
            referencedRelation: "jobs";
            referencedColumns: ["job_name"];
          },
        ];
      };
      "portal_certifications": {
        Row: {
          "external_id": string;
          "modified_on": string;
          "removed": boolean;
          "seen_in_round": string;
          "source": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "external_id": string;
          "modified_on": string;
          "removed"?: boolean;
          "seen_in_round": string;
          "source": string;
          "user_id": string;
        };
        Update: {
          "external_id"?: string;
          "modified_on"?: string;
          "removed"?: boolean;
          "seen_in_round"?: string;
          "source"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "portal_syncs": {
        Row: {
          "completed_at": string | null;
          "full_round_at": string | null;
          "modified_since": string | null;
          "most_losses": number;
          "round_cursor": string | null;
          "round_idle_pages": number;
          "round_is_full": boolean;
          "round_modified_until": string | null;
          "round_page": number;
          "round_started_at": string | null;
          "source": string;
        };
        ComputedFields: never;
        Insert: {
          "completed_at"?: string | null;
          "full_round_at"?: string | null;
          "modified_since"?: string | null;
          "most_losses"?: number;
          "round_cursor"?: string | null;
          "round_idle_pages"?: number;
          "round_is_full"?: boolean;
          "round_modified_until"?: string | null;
          "round_page"?: number;
          "round_started_at"?: string | null;
          "source": string;
        };
        Update: {
          "completed_at"?: string | null;
          "full_round_at"?: string | null;
          "modified_since"?: string | null;
          "most_losses"?: number;
          "round_cursor"?: string | null;
          "round_idle_pages"?: number;
          "round_is_full"?: boolean;
          "round_modified_until"?: string | null;
          "round_page"?: number;
          "round_started_at"?: string | null;
          "source"?: string;
        };
        Relationships: [];
      };
      "push_attempts": {
        Row: {
          "attempt": number;
          "attempted_at": string;
          "error_code": string | null;
          "error_type": string | null;
          "id": number;
          "invocation_id": string | null;
          "notification_id": number;
          "outcome": string;
          "platform": string | null;
          "provider": string | null;
          "provider_message_id": string | null;
          "token_hash": string;
        };
        ComputedFields: never;
        Insert: {
          "attempt": number;
          "attempted_at"?: string;
          "error_code"?: string | null;
          "error_type"?: string | null;
          "id"?: never;
          "invocation_id"?: string | null;
          "notification_id": number;
          "outcome": string;
          "platform"?: string | null;
          "provider"?: string | null;
          "provider_message_id"?: string | null;
          "token_hash": string;
        };
        Update: {
          "attempt"?: number;
          "attempted_at"?: string;
          "error_code"?: string | null;
          "error_type"?: string | null;
          "id"?: never;
          "invocation_id"?: string | null;
          "notification_id"?: number;
          "outcome"?: string;
          "platform"?: string | null;
          "provider"?: string | null;
          "provider_message_id"?: string | null;
          "token_hash"?: string;
        };
        Relationships: [];
      };
      "requests": {
        Row: {
          "asked_at": string;
          "attempt": number;
          "error": string | null;
          "http_status": number | null;
          "id": number;
          "invocation_id": string;
          "outcome": string | null;
          "request_id": number;
          "seen_at": string | null;
          "webhook_id": string;
        };
        ComputedFields: never;
        Insert: {
          "asked_at"?: string;
          "attempt": number;
          "error"?: string | null;
          "http_status"?: number | null;
          "id"?: never;
          "invocation_id": string;
          "outcome"?: string | null;
          "request_id": number;
          "seen_at"?: string | null;
          "webhook_id": string;
        };
        Update: {
          "asked_at"?: string;
          "attempt"?: number;
          "error"?: string | null;
          "http_status"?: number | null;
          "id"?: never;
          "invocation_id"?: string;
          "outcome"?: string | null;
          "request_id"?: number;
          "seen_at"?: string | null;
          "webhook_id"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "request_is_for_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "invocations";
            referencedColumns: ["id"];
          },
          {
            foreignKeyName: "request_is_for_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "run_history";
            referencedColumns: ["invocation_id"];
          },
          {
            foreignKeyName: "request_is_for_a_run";
            columns: ["invocation_id"];
            isOneToOne: false;
            referencedRelation: "scheduler_execution_log";
            referencedColumns: ["invocation_id"];
          },
        ];
      };
      "required_certifications": {
        Row: {
          "name": string;
          "organisation_id": string;
        };
        ComputedFields: never;
        Insert: {
          "name": string;
          "organisation_id": string;
        };
        Update: {
          "name"?: string;
          "organisation_id"?: string;
        };
        Relationships: [];
      };
      "retention": {
        Row: {
          "keep": string;
          "kept": string;
          "notes": string | null;
          "swept_to": number;
        };
        ComputedFields: never;
        Insert: {
          "keep": string;
          "kept": string;
          "notes"?: string | null;
          "swept_to"?: number;
        };
        Update: {
          "keep"?: string;
          "kept"?: string;
          "notes"?: string | null;
          "swept_to"?: number;
        };
        Relationships: [];
      };
      "scenario_config": {
        Row: {
          "cooldown_days": number;
          "enabled": boolean;
          "id": number;
          "last_candidate_count": number | null;
          "last_evaluated_at": string | null;
          "last_evaluated_count": number | null;
          "organisation_id": string | null;
          "params": NonNullable<Json>;
          "priority": number;
          "scenario_type": string;
          "ttl_hours": number;
        };
        ComputedFields: never;
        Insert: {
          "cooldown_days": number;
          "enabled"?: boolean;
          "id"?: never;
          "last_candidate_count"?: number | null;
          "last_evaluated_at"?: string | null;
          "last_evaluated_count"?: number | null;
          "organisation_id"?: string | null;
          "params"?: NonNullable<Json>;
          "priority": number;
          "scenario_type": string;
          "ttl_hours": number;
        };
        Update: {
          "cooldown_days"?: number;
          "enabled"?: boolean;
          "id"?: never;
          "last_candidate_count"?: number | null;
          "last_evaluated_at"?: string | null;
          "last_evaluated_count"?: number | null;
          "organisation_id"?: string | null;
          "params"?: NonNullable<Json>;
          "priority"?: number;
          "scenario_type"?: string;
          "ttl_hours"?: number;
        };
        Relationships: [
          {
            foreignKeyName: "scenario_config_is_of_a_scenario";
            columns: ["scenario_type"];
            isOneToOne: false;
            referencedRelation: "scenarios";
            referencedColumns: ["scenario_type"];
          },
        ];
      };
      "scenario_cooldowns": {
        Row: {
          "cooldown_until": string;
          "cooldown_window_start": string;
          "id": number;
          "notification_id": number | null;
          "occurrence_key": string | null;
          "scenario_type": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "cooldown_until": string;
          "cooldown_window_start": string;
          "id"?: never;
          "notification_id"?: number | null;
          "occurrence_key"?: string | null;
          "scenario_type": string;
          "user_id": string;
        };
        Update: {
          "cooldown_until"?: string;
          "cooldown_window_start"?: string;
          "id"?: never;
          "notification_id"?: number | null;
          "occurrence_key"?: string | null;
          "scenario_type"?: string;
          "user_id"?: string;
        };
        Relationships: [];
      };
      "scenario_templates": {
        Row: {
          "body": string;
          "id": number;
          "locale": string;
          "organisation_id": string | null;
          "scenario_type": string;
          "title": string;
        };
        ComputedFields: never;
        Insert: {
          "body": string;
          "id"?: never;
          "locale": string;
          "organisation_id"?: string | null;
          "scenario_type": string;
          "title": string;
        };
        Update: {
          "body"?: string;
          "id"?: never;
          "locale"?: string;
          "organisation_id"?: string | null;
          "scenario_type"?: string;
          "title"?: string;
        };
        Relationships: [
          {
            foreignKeyName: "scenario_template_is_of_a_scenario";
            columns: ["scenario_type"];
            isOneToOne: false;
            referencedRelation: "scenarios";
            referencedColumns: ["scenario_type"];
          },
        ];
      };
      "scenarios": {
        Row: {
          "default_cooldown_days": number;
          "default_params": NonNullable<Json>;
          "default_priority": number;
          "default_ttl_hours": number;
          "description": string;
          "detector": string;
          "last_turn_at": string | null;
          "param_kinds": NonNullable<Json>;
          "placeholders": (string)[];
          "scenario_type": string;
        };
        ComputedFields: never;
        Insert: {
          "default_cooldown_days": number;
          "default_params"?: NonNullable<Json>;
          "default_priority": number;
          "default_ttl_hours"?: number;
          "description": string;
          "detector": string;
          "last_turn_at"?: string | null;
          "param_kinds"?: NonNullable<Json>;
          "placeholders"?: (string)[];
          "scenario_type": string;
        };
        Update: {
          "default_cooldown_days"?: number;
          "default_params"?: NonNullable<Json>;
          "default_priority"?: number;
          "default_ttl_hours"?: number;
          "description"?: string;
          "detector"?: string;
          "last_turn_at"?: string | null;
          "param_kinds"?: NonNullable<Json>;
          "placeholders"?: (string)[];
          "scenario_type"?: string;
        };
        Relationships: [];
      };
      "tracked_sources": {
        Row: {
          "condition": string | null;
          "date_column": unknown;
          "id": number;
          "kind": string;
          "locale_column": unknown;
          "organisation_column": unknown;
          "source": unknown;
          "timezone_column": unknown;
          "user_column": unknown;
        };
        ComputedFields: never;
        Insert: {
          "condition"?: string | null;
          "date_column"?: unknown;
          "id"?: never;
          "kind": string;
          "locale_column"?: unknown;
          "organisation_column"?: unknown;
          "source": unknown;
          "timezone_column"?: unknown;
          "user_column": unknown;
        };
        Update: {
          "condition"?: string | null;
          "date_column"?: unknown;
          "id"?: never;
          "kind"?: string;
          "locale_column"?: unknown;
          "organisation_column"?: unknown;
          "source"?: unknown;
          "timezone_column"?: unknown;
          "user_column"?: unknown;
        };
        Relationships: [];
      };
    };
    Views: {
      "activity": {
        Row: {
          "activity_date": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "activity_date"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "activity_date"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "activities_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "mentor";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "activities_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "portal_member";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "activities_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "roster";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "certification": {
        Row: {
          "expires_on": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "expires_on"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "expires_on"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "mentor";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "portal_member";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "roster";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "coordinated_chapter": {
        Row: {
          "chapter_id": string;
          "coordinator_id": string;
          "organisation_id": string;
        };
        ComputedFields: never;
        Relationships: [
          {
            foreignKeyName: "chapters_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisation";
            referencedColumns: ["organisation_id"];
          },
        ];
      };
      "device": {
        Row: {
          "platform": string | null;
          "provider": string | null;
          "token": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "platform"?: string | null;
          "provider"?: string | null;
          "token"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "platform"?: string | null;
          "provider"?: string | null;
          "token"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [];
      };
      "follow_up": {
        Row: {
          "coordinator_id": string | null;
          "user_id": string | null;
        };
        ComputedFields: never;
        Relationships: [];
      };
      "held_certification": {
        Row: {
          "expires_on": string | null;
          "name": string;
          "revoked_at": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "expires_on"?: string | null;
          "name"?: string | null;
          "revoked_at"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "expires_on"?: string | null;
          "name"?: string | null;
          "revoked_at"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "mentor";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "portal_member";
            referencedColumns: ["user_id"];
          },
          {
            foreignKeyName: "certifications_are_of_a_mentor";
            columns: ["user_id"];
            isOneToOne: false;
            referencedRelation: "roster";
            referencedColumns: ["user_id"];
          },
        ];
      };
      "mentor": {
        Row: {
          "chapter_id": string | null;
          "organisation_id": string;
          "status": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "chapter_id"?: string | null;
          "organisation_id"?: string | null;
          "status"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "chapter_id"?: string | null;
          "organisation_id"?: string | null;
          "status"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "peer_mentors_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisation";
            referencedColumns: ["organisation_id"];
          },
        ];
      };
      "organisation": {
        Row: {
          "locale": string | null;
          "organisation_id": string;
          "timezone": string | null;
        };
        ComputedFields: never;
        Insert: {
          "locale"?: string | null;
          "organisation_id"?: string | null;
          "timezone"?: string | null;
        };
        Update: {
          "locale"?: string | null;
          "organisation_id"?: string | null;
          "timezone"?: string | null;
        };
        Relationships: [];
      };
      "portal_member": {
        Row: {
          "member_id": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "member_id"?: never;
          "user_id"?: string | null;
        };
        Update: {
          "member_id"?: never;
          "user_id"?: string | null;
        };
        Relationships: [];
      };
      "preference": {
        Row: {
          "push_enabled": boolean;
          "scenario_type": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "push_enabled"?: boolean | null;
          "scenario_type"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "push_enabled"?: boolean | null;
          "scenario_type"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [];
      };
      "roster": {
        Row: {
          "active": boolean | null;
          "joined_on": string | null;
          "locale": string | null;
          "organisation_id": string | null;
          "timezone": string | null;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "active"?: never;
          "joined_on"?: never;
          "locale"?: never;
          "organisation_id"?: never;
          "timezone"?: never;
          "user_id"?: string | null;
        };
        Update: {
          "active"?: never;
          "joined_on"?: never;
          "locale"?: never;
          "organisation_id"?: never;
          "timezone"?: never;
          "user_id"?: string | null;
        };
        Relationships: [];
      };
      "run_history": {
        Row: {
          "asked_at": string | null;
          "attempt": number;
          "candidates": number | null;
          "errors": number | null;
          "http_status": number | null;
          "invocation_id": string;
          "job": string | null;
          "remaining": number | null;
          "seconds": number | null;
          "sent": number | null;
          "status": string;
          "suppressed": number | null;
          "triggered_by": string | null;
          "why": string | null;
        };
        ComputedFields: never;
        Insert: {
          "asked_at"?: never;
          "attempt"?: number | null;
          "candidates"?: number | null;
          "errors"?: number | null;
          "http_status"?: number | null;
          "invocation_id"?: string | null;
          "job"?: never;
          "remaining"?: number | null;
          "seconds"?: never;
          "sent"?: number | null;
          "status"?: string | null;
          "suppressed"?: number | null;
          "triggered_by"?: string | null;
          "why"?: never;
        };
        Update: {
          "asked_at"?: never;
          "attempt"?: number | null;
          "candidates"?: number | null;
          "errors"?: number | null;
          "http_status"?: number | null;
          "invocation_id"?: string | null;
          "job"?: never;
          "remaining"?: number | null;
          "seconds"?: never;
          "sent"?: number | null;
          "status"?: string | null;
          "suppressed"?: number | null;
          "triggered_by"?: string | null;
          "why"?: never;
        };
        Relationships: [];
      };
      "scenario_report": {
        Row: {
          "active_again": number | null;
          "candidates": number | null;
          "nudged": number | null;
          "scenario_type": string | null;
          "sent": number | null;
          "suppressed": Json | null;
          "week": string | null;
        };
        ComputedFields: never;
        Relationships: [];
      };
      "scheduler_execution_log": {
        Row: {
          "as_of": string | null;
          "attempt": number;
          "details": Json | null;
          "dry_run": boolean;
          "error_message": string | null;
          "error_type": string | null;
          "errors": Json | null;
          "finished_at": string | null;
          "heartbeat_at": string | null;
          "http_status": number | null;
          "invocation_id": string;
          "job_name": string;
          "organisation_ids": (string)[] | null;
          "pages_processed": number | null;
          "remaining_unprocessed_count": number | null;
          "request_id": number | null;
          "requested_at": string;
          "requested_by": string | null;
          "retry_of": string | null;
          "scenarios": (string)[] | null;
          "scheduled_for": string | null;
          "started_at": string | null;
          "status": string;
          "status_reason": string | null;
          "stop_requested_at": string | null;
          "suppressed": Json | null;
          "total_active_mentors": number | null;
          "total_candidates": number | null;
          "total_dispatched": number | null;
          "total_errors": number | null;
          "total_evaluated": number | null;
          "total_suppressed": number | null;
          "triggered_by": string | null;
          "webhook_id": string | null;
        };
        ComputedFields: never;
        Insert: {
          "as_of"?: string | null;
          "attempt"?: number | null;
          "details"?: Json | null;
          "dry_run"?: boolean | null;
          "error_message"?: string | null;
          "error_type"?: string | null;
          "errors"?: Json | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string | null;
          "http_status"?: number | null;
          "invocation_id"?: string | null;
          "job_name"?: string | null;
          "organisation_ids"?: (string)[] | null;
          "pages_processed"?: number | null;
          "remaining_unprocessed_count"?: number | null;
          "request_id"?: number | null;
          "requested_at"?: string | null;
          "requested_by"?: string | null;
          "retry_of"?: string | null;
          "scenarios"?: (string)[] | null;
          "scheduled_for"?: string | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "status_reason"?: string | null;
          "stop_requested_at"?: string | null;
          "suppressed"?: Json | null;
          "total_active_mentors"?: number | null;
          "total_candidates"?: number | null;
          "total_dispatched"?: number | null;
          "total_errors"?: number | null;
          "total_evaluated"?: number | null;
          "total_suppressed"?: number | null;
          "triggered_by"?: string | null;
          "webhook_id"?: string | null;
        };
        Update: {
          "as_of"?: string | null;
          "attempt"?: number | null;
          "details"?: Json | null;
          "dry_run"?: boolean | null;
          "error_message"?: string | null;
          "error_type"?: string | null;
          "errors"?: Json | null;
          "finished_at"?: string | null;
          "heartbeat_at"?: string | null;
          "http_status"?: number | null;
          "invocation_id"?: string | null;
          "job_name"?: string | null;
          "organisation_ids"?: (string)[] | null;
          "pages_processed"?: number | null;
          "remaining_unprocessed_count"?: number | null;
          "request_id"?: number | null;
          "requested_at"?: string | null;
          "requested_by"?: string | null;
          "retry_of"?: string | null;
          "scenarios"?: (string)[] | null;
          "scheduled_for"?: string | null;
          "started_at"?: string | null;
          "status"?: string | null;
          "status_reason"?: string | null;
          "stop_requested_at"?: string | null;
          "suppressed"?: Json | null;
          "total_active_mentors"?: number | null;
          "total_candidates"?: number | null;
          "total_dispatched"?: number | null;
          "total_errors"?: number | null;
          "total_evaluated"?: number | null;
          "total_suppressed"?: number | null;
          "triggered_by"?: string | null;
          "webhook_id"?: string | null;
        };
        Relationships: [];
      };
      "staff": {
        Row: {
          "organisation_id": string;
          "role": string;
          "user_id": string;
        };
        ComputedFields: never;
        Insert: {
          "organisation_id"?: string | null;
          "role"?: string | null;
          "user_id"?: string | null;
        };
        Update: {
          "organisation_id"?: string | null;
          "role"?: string | null;
          "user_id"?: string | null;
        };
        Relationships: [
          {
            foreignKeyName: "staff_belong_to_an_organisation";
            columns: ["organisation_id"];
            isOneToOne: false;
            referencedRelation: "organisation";
            referencedColumns: ["organisation_id"];
          },
        ];
      };
    };
    Functions: {
      "abandon_dead_runs": { Args: { "at"?: string; "job_name"?: string }; Returns: string[] };
      "add_page_figures": {
        Args: {
          "page": Database["scheduler"]["CompositeTypes"]["portal_page_result"];
          "run_id": string;
          "source": string;
        };
        Returns: undefined;
      };
      "apply_privileges": { Args: Record<PropertyKey, never>; Returns: undefined };
      "apply_schedules": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "active": boolean;
          "change": string;
          "cron_name": string;
          "schedule": string;
        }[];
      };
      "attempt_limit": { Args: Record<PropertyKey, never>; Returns: number };
      "cancel_notifications": {
        Args: {
          "notification_ids"?: (number)[];
          "organisation_id"?: string;
          "reason"?: string;
          "scenario_type"?: string;
        };
        Returns: {
          "notification_id": number;
          "occurrence_key": string;
          "status": string;
          "user_id": string;
        }[];
      };
      "chapters_of_caller": { Args: Record<PropertyKey, never>; Returns: (string)[] };
      "check_condition": { Args: { "condition": string; "source": unknown }; Returns: undefined };
      "check_evaluation_arguments": {
        Args: { "as_of": string; "dry_run": boolean; "scenarios": (string)[] };
        Returns: undefined;
      };
      "check_organisations": { Args: { "organisation_ids": (string)[] }; Returns: undefined };
      "check_page_size": { Args: { "page_size": number }; Returns: undefined };
      "check_params": {
        Args: { "kinds": Json; "params": Json; "scenario_type": string };
        Returns: undefined;
      };
      "check_pausable": {
        Args: { "job_name": string; "organisation_id": string };
        Returns: (string)[];
      };
      "check_push_results": { Args: { "results": Json }; Returns: undefined };
      "check_source_columns": { Args: { "source": unknown; "wanted": Json }; Returns: undefined };
      "check_staff_job": { Args: { "job_name": string }; Returns: undefined };
      "comes_on": {
        Args: { "day": string; "plan": Database["scheduler"]["CompositeTypes"]["cron_schedule"] };
        Returns: boolean;
      };
      "compile_template": {
        Args: { "placeholders": (string)[]; "template": string };
        Returns: string;
      };
      "configure_edge": { Args: { "secret"?: string; "url"?: string }; Returns: string };
      "count_evaluated": {
        Args: { "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[] };
        Returns: number;
      };
      "count_invocation": {
        Args: {
          "run": Omit<
            Database["scheduler"]["Tables"]["invocations"]["Row"],
            Database["scheduler"]["Tables"]["invocations"]["ComputedFields"]
          >;
        };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_figures"];
        SetofOptions: {
          from: "scheduler.invocations";
          to: "invocation_figures";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "count_resting_mentors": {
        Args: { "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[] };
        Returns: {
          "mentors": number;
          "organisation_id": string;
          "reason": string;
        }[];
      };
      "count_state_drift": { Args: Record<PropertyKey, never>; Returns: number };
      "create_source_fold": { Args: { "source_id": number }; Returns: undefined };
      "create_source_triggers": {
        Args: { "fold": unknown; "kind": string; "source": unknown };
        Returns: undefined;
      };
      "cron_entries": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "active": boolean;
          "command": string;
          "jobid": number;
          "jobname": string;
          "ours": boolean;
          "schedule": string;
        }[];
      };
      "derive_mentor_state": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "active": boolean;
          "activity_count": number;
          "joined_on": string;
          "last_activity_on": string;
          "locale": string;
          "milestone_by": string;
          "next_milestone": number;
          "on_roster": boolean;
          "organisation_id": string;
          "timezone": string;
          "user_id": string;
        }[];
      };
      "describe_invocation": {
        Args: {
          "organisations": (string)[];
          "run": Omit<
            Database["scheduler"]["Tables"]["invocations"]["Row"],
            Database["scheduler"]["Tables"]["invocations"]["ComputedFields"]
          >;
        };
        Returns: Database["scheduler"]["CompositeTypes"]["invocation_entry"];
        SetofOptions: {
          from: "*";
          to: "invocation_entry";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "detect_expiry": {
        Args: {
          "explaining": boolean;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["occurrence"][];
        SetofOptions: {
          from: "*";
          to: "occurrence";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "detect_inactivity": {
        Args: {
          "explaining": boolean;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["occurrence"][];
        SetofOptions: {
          from: "*";
          to: "occurrence";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "detect_milestone": {
        Args: {
          "explaining": boolean;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["occurrence"][];
        SetofOptions: {
          from: "*";
          to: "occurrence";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "detect_occurrences": {
        Args: {
          "explaining": boolean;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["occurrence"][];
        SetofOptions: {
          from: "*";
          to: "occurrence";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "disable_devices": { Args: { "tokens": (string)[] }; Returns: undefined };
      "drop_source_triggers": { Args: { "kind": string; "source": unknown }; Returns: undefined };
      "edge_secret_problem": { Args: { "secret": string }; Returns: string };
      "edge_url_problem": { Args: { "url": string }; Returns: string };
      "evaluation_scopes": {
        Args: {
          "as_of": string;
          "organisation_ids": (string)[];
          "scenarios": (string)[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["evaluation_scope"][];
        SetofOptions: {
          from: "*";
          to: "evaluation_scope";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "explain_verdict": {
        Args: { "deliver_after": string; "facts": Json; "reason": string; "scenario_type": string };
        Returns: string;
      };
      "find_portal_members": {
        Args: { "member_ids": (string)[] };
        Returns: {
          "member_id": string;
          "timezone": string;
          "user_id": string;
        }[];
      };
      "forget_hints": { Args: { "user_ids": (string)[] }; Returns: undefined };
      "heartbeat_limit": { Args: Record<PropertyKey, never>; Returns: string };
      "invoke_edge": {
        Args: {
          "dry_run"?: boolean;
          "job_name": string;
          "organisation_ids"?: (string)[];
          "scenarios"?: (string)[];
          "scheduled_for"?: string;
          "triggered_by"?: string;
        };
        Returns: string;
      };
      "is_paused": { Args: { "job_name": string }; Returns: boolean };
      "is_waiting": {
        Args: { "at"?: string; "job_name": string; "scheduled_for": string };
        Returns: boolean;
      };
      "judge_certifications": {
        Args: { "as_of": string; "user_ids": (string)[] };
        Returns: Database["scheduler"]["CompositeTypes"]["status_change"][];
        SetofOptions: {
          from: "*";
          to: "status_change";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "judge_occurrences": {
        Args: {
          "as_of": string;
          "explaining": boolean;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "user_ids": (string)[];
        };
        Returns: Database["scheduler"]["CompositeTypes"]["verdict"][];
        SetofOptions: {
          from: "*";
          to: "verdict";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "judge_portal_page": {
        Args: { "certifications": Json };
        Returns: {
          "accepted": Json;
          "rejected": Json;
        }[];
      };
      "keep_rejects": {
        Args: { "accepted": Json; "invocation_id": string; "rejects": Json; "source": string };
        Returns: undefined;
      };
      "known_jobs_hint": { Args: Record<PropertyKey, never>; Returns: string };
      "known_scenarios_hint": { Args: Record<PropertyKey, never>; Returns: string };
      "mentors_of_caller": { Args: { "as_role"?: string }; Returns: (string)[] };
      "next_allowed_time": {
        Args: { "quiet_end": string; "quiet_start": string; "wanted": string; "zone": string };
        Returns: string;
      };
      "next_tick": { Args: { "at": string; "schedule": string }; Returns: string };
      "note_checks": { Args: { "user_ids": (string)[] }; Returns: number };
      "open_invocation": {
        Args: {
          "dry_run"?: boolean;
          "job_name": string;
          "kind": string;
          "organisation_ids"?: (string)[];
          "scenarios"?: (string)[];
          "scheduled_for"?: string;
          "triggered_by": string;
        };
        Returns: {
          "id": string;
          "opened": boolean;
        }[];
      };
      "organisation_zone": { Args: { "organisation_id": string }; Returns: string };
      "organisations_of_caller": { Args: { "as_role"?: string }; Returns: (string)[] };
      "own_invocation": {
        Args: { "invocation_id": string; "organisations": (string)[] };
        Returns: {
          "as_of": string | null;
          "attempt": number;
          "details": Json | null;
          "dry_run": boolean;
          "error_message": string | null;
          "error_type": string | null;
          "errors": Json | null;
          "finished_at": string | null;
          "heartbeat_at": string | null;
          "http_status": number | null;
          "id": string;
          "job_name": string;
          "organisation_ids": (string)[] | null;
          "pages_processed": number | null;
          "remaining_unprocessed_count": number | null;
          "request_id": number | null;
          "requested_at": string;
          "requested_by": string | null;
          "retry_of": string | null;
          "scenarios": (string)[] | null;
          "scheduled_for": string | null;
          "started_at": string | null;
          "status": string;
          "status_reason": string | null;
          "stop_requested_at": string | null;
          "suppressed": Json | null;
          "total_active_mentors": number | null;
          "total_candidates": number | null;
          "total_dispatched": number | null;
          "total_errors": number | null;
          "total_evaluated": number | null;
          "total_suppressed": number | null;
          "triggered_by": string | null;
          "webhook_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "invocations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "pause": {
        Args: {
          "job_name"?: string;
          "organisation_id"?: string;
          "paused_by"?: string;
          "reason"?: string;
        };
        Returns: string;
      };
      "preview_evaluation": {
        Args: { "organisation_ids": (string)[]; "run_id": string; "scenarios": (string)[] };
        Returns: undefined;
      };
      "previous_tick": { Args: { "at": string; "schedule": string }; Returns: string };
      "read_expiry": { Args: { "said": string; "zone": string }; Returns: string };
      "read_moment": { Args: { "said": string }; Returns: string };
      "read_schedule": {
        Args: { "schedule": string };
        Returns: Database["scheduler"]["CompositeTypes"]["cron_schedule"];
        SetofOptions: {
          from: "*";
          to: "cron_schedule";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "read_secret": { Args: { "secret_name": string }; Returns: string };
      "rebuild_mentor_state": { Args: Record<PropertyKey, never>; Returns: number };
      "recheck_certifications": { Args: { "organisation_ids"?: (string)[] }; Returns: number };
      "reconcile_requests": {
        Args: { "at"?: string };
        Returns: {
          "done": string;
          "found": string;
          "invocation_id": string;
          "job_name": string;
        }[];
      };
      "record_evaluation": {
        Args: {
          "as_of": string;
          "is_of_some_mentors"?: boolean;
          "organisation_ids"?: (string)[];
          "queued_by_config": Json;
          "queued_by_scenario": Json;
          "run_id": string;
          "scenarios"?: (string)[];
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "started": string;
          "suppressed_by_reason": Json;
        };
        Returns: undefined;
      };
      "record_shares": {
        Args: {
          "queued_by_organisation": Json;
          "run_id": string;
          "scopes": (Database["scheduler"]["CompositeTypes"]["evaluation_scope"])[];
          "suppressed_by_organisation": Json;
        };
        Returns: undefined;
      };
      "refold_mentors": { Args: { "user_ids": (string)[] }; Returns: undefined };
      "refresh_source_views": { Args: Record<PropertyKey, never>; Returns: undefined };
      "refresh_sources": { Args: Record<PropertyKey, never>; Returns: undefined };
      "refuse_job": {
        Args: {
          "invocation_id"?: string;
          "job_name": string;
          "triggered_by": string;
          "webhook_id"?: string;
        };
        Returns: string;
      };
      "request_run": { Args: { "invocation_id": string }; Returns: boolean };
      "requeue_notifications": {
        Args: { "notification_ids"?: (number)[]; "reason"?: string; "statuses"?: (string)[] };
        Returns: {
          "deliver_after": string;
          "notification_id": number;
          "scenario_type": string;
          "user_id": string;
        }[];
      };
      "require_staff": { Args: Record<PropertyKey, never>; Returns: (string)[] };
      "resume": {
        Args: { "job_name"?: string; "organisation_id"?: string; "resumed_by"?: string };
        Returns: string;
      };
      "retry_delay": { Args: { "attempt": number; "wished_seconds"?: number }; Returns: string };
      "retry_runs": {
        Args: { "at": string };
        Returns: {
          "found": string;
          "invocation_id": string;
          "job_name": string;
        }[];
      };
      "revoke_unnamed": {
        Args: { "most_losses": number; "source": string; "started_at": string };
        Returns: number;
      };
      "run_housekeeping": { Args: { "looked_at"?: number }; Returns: Json };
      "run_job": {
        Args: { "job_name": string; "scheduled_for"?: string; "triggered_by"?: string };
        Returns: string;
      };
      "see_responses": { Args: { "at": string }; Returns: undefined };
      "sends_pushes": { Args: { "job_name": string }; Returns: boolean };
      "set_mentor_status": {
        Args: { "expected": string; "status": string; "user_ids": (string)[] };
        Returns: (string)[];
      };
      "sign_webhook": {
        Args: { "asked_at": string; "body": string; "secret": string; "webhook_id": string };
        Returns: Json;
      };
      "skip_run": {
        Args: {
          "job_name": string;
          "reason": string;
          "scheduled_for": string;
          "triggered_by": string;
        };
        Returns: string;
      };
      "status_of_certifications": {
        Args: Record<PropertyKey, never>;
        Returns: Database["scheduler"]["CompositeTypes"]["component_status"][];
        SetofOptions: {
          from: "*";
          to: "component_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "status_of_jobs": {
        Args: Record<PropertyKey, never>;
        Returns: Database["scheduler"]["CompositeTypes"]["component_status"][];
        SetofOptions: {
          from: "*";
          to: "component_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "status_of_platform": {
        Args: Record<PropertyKey, never>;
        Returns: Database["scheduler"]["CompositeTypes"]["component_status"][];
        SetofOptions: {
          from: "*";
          to: "component_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "status_of_requests": {
        Args: Record<PropertyKey, never>;
        Returns: Database["scheduler"]["CompositeTypes"]["component_status"][];
        SetofOptions: {
          from: "*";
          to: "component_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "status_of_state": {
        Args: Record<PropertyKey, never>;
        Returns: Database["scheduler"]["CompositeTypes"]["component_status"][];
        SetofOptions: {
          from: "*";
          to: "component_status";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "sum_shares": {
        Args: { "invocation_id": string; "organisations"?: (string)[] };
        Returns: {
          "suppressed": Json;
          "total_suppressed": number;
        }[];
      };
      "sweep_certification_rejects": { Args: { "older_than": string }; Returns: number };
      "sweep_cron_history": {
        Args: { "looked_at": number; "older_than": string };
        Returns: number;
      };
      "sweep_idempotency_keys": { Args: Record<PropertyKey, never>; Returns: number };
      "sweep_invocations": { Args: { "looked_at": number; "older_than": string }; Returns: number };
      "sweep_notifications": {
        Args: { "looked_at": number; "older_than": string };
        Returns: number;
      };
      "sweep_push_attempts": {
        Args: { "looked_at": number; "older_than": string };
        Returns: number;
      };
      "take_notifications": {
        Args: { "invocation_id": string; "lease": string; "looked_at": number; "wanted": number };
        Returns: Database["scheduler"]["CompositeTypes"]["claimed_notification"][];
        SetofOptions: {
          from: "*";
          to: "claimed_notification";
          isOneToOne: false;
          isSetofReturn: true;
        };
      };
      "tick": {
        Args: { "at"?: string; "cron_name": string };
        Returns: {
          "invocation_id": string;
          "job_name": string;
          "status": string;
        }[];
      };
      "track_activity": {
        Args: {
          "counts"?: string;
          "date_column": unknown;
          "source": unknown;
          "user_column": unknown;
        };
        Returns: undefined;
      };
      "track_roster": {
        Args: {
          "active_when"?: string;
          "joined_on_column"?: unknown;
          "locale_column"?: unknown;
          "organisation_column"?: unknown;
          "source": unknown;
          "timezone_column"?: unknown;
          "user_column"?: unknown;
        };
        Returns: undefined;
      };
      "untrack": { Args: { "source": unknown }; Returns: undefined };
      "usable_timezone": { Args: { "zones": (string)[] }; Returns: string };
      "verify_mentor_state": {
        Args: Record<PropertyKey, never>;
        Returns: {
          "actual": Json;
          "difference": string;
          "expected": Json;
          "user_id": string;
        }[];
      };
      "visible_invocation": {
        Args: { "invocation_id": string; "organisations": (string)[] };
        Returns: {
          "as_of": string | null;
          "attempt": number;
          "details": Json | null;
          "dry_run": boolean;
          "error_message": string | null;
          "error_type": string | null;
          "errors": Json | null;
          "finished_at": string | null;
          "heartbeat_at": string | null;
          "http_status": number | null;
          "id": string;
          "job_name": string;
          "organisation_ids": (string)[] | null;
          "pages_processed": number | null;
          "remaining_unprocessed_count": number | null;
          "request_id": number | null;
          "requested_at": string;
          "requested_by": string | null;
          "retry_of": string | null;
          "scenarios": (string)[] | null;
          "scheduled_for": string | null;
          "started_at": string | null;
          "status": string;
          "status_reason": string | null;
          "stop_requested_at": string | null;
          "suppressed": Json | null;
          "total_active_mentors": number | null;
          "total_candidates": number | null;
          "total_dispatched": number | null;
          "total_errors": number | null;
          "total_evaluated": number | null;
          "total_suppressed": number | null;
          "triggered_by": string | null;
          "webhook_id": string | null;
        };
        SetofOptions: {
          from: "*";
          to: "invocations";
          isOneToOne: true;
          isSetofReturn: false;
        };
      };
      "wait_before_asking": { Args: { "attempt": number; "catch_up": string }; Returns: string };
      "write_certifications": { Args: { "certifications": Json }; Returns: number };
      "write_push_results": {
        Args: { "invocation_id": string; "results": Json };
        Returns: {
          "notification_id": number;
          "recorded": boolean;
          "status": string;
        }[];
      };
    };
    Enums: {
      [_ in never]: never;
    };
    CompositeTypes: {
      "batch_evaluation": {
        "invocation_id": string | null;
        "evaluated": number | null;
        "candidates": Json | null;
      };
      "candidate": {
        "notification_id": number | null;
        "user_id": string | null;
        "organisation_id": string | null;
        "scenario_type": string | null;
        "occurrence_key": string | null;
        "cooldown_window_start": string | null;
        "evaluation_date": string | null;
        "deliver_after": string | null;
        "title": string | null;
        "body": string | null;
        "data": Json | null;
      };
      "claimed_notification": {
        "notification_id": number | null;
        "lease_token": string | null;
        "attempt": number | null;
        "user_id": string | null;
        "organisation_id": string | null;
        "scenario_type": string | null;
        "collapse_key": string | null;
        "expires_at": string | null;
        "ttl_seconds": number | null;
        "title": string | null;
        "body": string | null;
        "data": Json | null;
        "devices": Json | null;
      };
      "component_status": {
        "component": string | null;
        "status": string | null;
        "detail": string | null;
      };
      "cron_schedule": {
        "minutes": (number)[] | null;
        "hours": (number)[] | null;
        "days": (number)[] | null;
        "months": (number)[] | null;
        "weekdays": (number)[] | null;
        "either_day": boolean | null;
      };
      "evaluation_scope": {
        "organisation_id": string | null;
        "scenario_type": string | null;
        "config_id": number | null;
        "evaluation_date": string | null;
        "params": Json | null;
        "cooldown_days": number | null;
        "priority": number | null;
        "ttl_hours": number | null;
        "timezone": string | null;
        "locale": string | null;
        "daily_cap": number | null;
        "weekly_cap": number | null;
        "quiet_start": string | null;
        "quiet_end": string | null;
        "active_mentors": number | null;
      };
      "invocation_entry": {
        "id": string | null;
        "job_name": string | null;
        "status": string | null;
        "status_reason": string | null;
        "triggered_by": string | null;
        "scheduled_for": string | null;
        "requested_at": string | null;
        "started_at": string | null;
        "finished_at": string | null;
        "stop_requested_at": string | null;
        "dry_run": boolean | null;
        "scenarios": (string)[] | null;
        "all_organisations": boolean | null;
        "attempt": number | null;
        "retry_of": string | null;
        "error_type": string | null;
        "error_message": string | null;
        "note": string | null;
      };
      "invocation_figures": {
        "total_active_mentors": number | null;
        "total_evaluated": number | null;
        "total_candidates": number | null;
        "total_dispatched": number | null;
        "total_suppressed": number | null;
        "total_errors": number | null;
        "suppressed": Json | null;
        "errors": Json | null;
      };
      "invocation_summary": {
        "invocation_id": string | null;
        "status": string | null;
        "total_active_mentors": number | null;
        "total_evaluated": number | null;
        "total_candidates": number | null;
        "total_dispatched": number | null;
        "total_suppressed": number | null;
        "total_errors": number | null;
        "pages_processed": number | null;
        "remaining_unprocessed_count": number | null;
        "duration_ms": number | null;
        "error_type": string | null;
      };
      "mentor_status": {
        "user_id": string | null;
        "organisation_id": string | null;
        "chapter_id": string | null;
        "status": string | null;
        "last_activity_on": string | null;
        "days_silent": number | null;
        "next_certification_expiry": string | null;
        "last_notification_scenario": string | null;
        "last_notification_on": string | null;
        "last_notification_status": string | null;
        "last_notification_reason": string | null;
        "last_notification_sent_at": string | null;
      };
      "occurrence": {
        "scenario_type": string | null;
        "user_id": string | null;
        "organisation_id": string | null;
        "occurrence_key": string | null;
        "anchor": string | null;
        "due": boolean | null;
        "rests": string | null;
        "facts": Json | null;
      };
      "portal_page_result": {
        "received": number | null;
        "applied": number | null;
        "unchanged": number | null;
        "revoked": number | null;
        "rejected": Json | null;
        "completed": boolean | null;
      };
      "portal_round": {
        "started_at": string | null;
        "modified_since": string | null;
        "page_cursor": string | null;
        "page": number | null;
      };
      "status_change": {
        "user_id": string | null;
        "organisation_id": string | null;
        "from_status": string | null;
        "to_status": string | null;
        "reason": string | null;
        "certifications": (string)[] | null;
      };
      "verdict": {
        "scenario_type": string | null;
        "user_id": string | null;
        "organisation_id": string | null;
        "config_id": number | null;
        "evaluation_date": string | null;
        "occurrence_key": string | null;
        "due": boolean | null;
        "reason": string | null;
        "facts": Json | null;
        "cooldown_window_start": string | null;
        "cooldown_until": string | null;
        "deliver_after": string | null;
        "expires_at": string | null;
        "title": string | null;
        "body": string | null;
        "data": Json | null;
      };
    };
  };
};

type DatabaseWithoutInternals = Omit<Database, "__InternalSupabase">;

type DefaultSchema = DatabaseWithoutInternals[Extract<keyof Database, "public">];

export type Tables<
  DefaultSchemaTableNameOrOptions extends
    | keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof (
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
      & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
    )
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals } ? (
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    & DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Views"]
  )[TableName] extends {
    Row: infer R;
  } ? R
  : never
  : DefaultSchemaTableNameOrOptions extends keyof (DefaultSchema["Tables"] & DefaultSchema["Views"])
    ? (DefaultSchema["Tables"] & DefaultSchema["Views"])[DefaultSchemaTableNameOrOptions] extends {
      Row: infer R;
    } ? R
    : never
  : never;

export type TablesInsert<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Insert: infer I;
    } ? I
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Insert: infer I;
    } ? I
    : never
  : never;

export type TablesUpdate<
  DefaultSchemaTableNameOrOptions extends
    | keyof DefaultSchema["Tables"]
    | { schema: keyof DatabaseWithoutInternals },
  TableName extends DefaultSchemaTableNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"]
    : never = never,
> = DefaultSchemaTableNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaTableNameOrOptions["schema"]]["Tables"][TableName] extends
    {
      Update: infer U;
    } ? U
  : never
  : DefaultSchemaTableNameOrOptions extends keyof DefaultSchema["Tables"]
    ? DefaultSchema["Tables"][DefaultSchemaTableNameOrOptions] extends {
      Update: infer U;
    } ? U
    : never
  : never;

export type Enums<
  DefaultSchemaEnumNameOrOptions extends
    | keyof DefaultSchema["Enums"]
    | { schema: keyof DatabaseWithoutInternals },
  EnumName extends DefaultSchemaEnumNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"]
    : never = never,
> = DefaultSchemaEnumNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[DefaultSchemaEnumNameOrOptions["schema"]]["Enums"][EnumName]
  : DefaultSchemaEnumNameOrOptions extends keyof DefaultSchema["Enums"]
    ? DefaultSchema["Enums"][DefaultSchemaEnumNameOrOptions]
  : never;

export type CompositeTypes<
  PublicCompositeTypeNameOrOptions extends
    | keyof DefaultSchema["CompositeTypes"]
    | { schema: keyof DatabaseWithoutInternals },
  CompositeTypeName extends PublicCompositeTypeNameOrOptions extends {
    schema: keyof DatabaseWithoutInternals;
  } ? keyof DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"]
    : never = never,
> = PublicCompositeTypeNameOrOptions extends { schema: keyof DatabaseWithoutInternals }
  ? DatabaseWithoutInternals[PublicCompositeTypeNameOrOptions["schema"]]["CompositeTypes"][
    CompositeTypeName
  ]
  : PublicCompositeTypeNameOrOptions extends keyof DefaultSchema["CompositeTypes"]
    ? DefaultSchema["CompositeTypes"][PublicCompositeTypeNameOrOptions]
  : never;

export const Constants = {
  "public": {
    Enums: {},
  },
  "scheduler": {
    Enums: {},
  },
} as const;
