-- Certifications that come from a member portal: where a sync stands, what the portal
-- said last of each certification, and what could not be taken over.

set lock_timeout = '5s';

create table if not exists scheduler.portal_syncs (
  source text
    constraint portal_syncs_pkey primary key
    constraint portal_source_is_a_plain_name check (source ~ '^[a-z][a-z0-9_-]{0,62}$'),
  modified_since timestamptz,
  round_started_at timestamptz,
  round_is_full boolean not null default false,
  round_modified_until timestamptz,
  round_cursor text,
  round_seen bigint not null default 0,
  round_page integer not null default 0,
  full_round_at timestamptz,
  completed_at timestamptz,
  most_losses numeric not null default 0.2
    constraint most_losses_is_a_share check (most_losses between 0 and 1)
);
comment on table scheduler.portal_syncs is 'How far a sync is. A round asks a portal for what changed since modified_since, page after page; one that is cut short goes on at round_cursor.';
comment on column scheduler.portal_syncs.modified_since is 'The next round asks for what changed from here on. Null: for everything.';
comment on column scheduler.portal_syncs.round_started_at is 'Null: no round is on.';
comment on column scheduler.portal_syncs.round_is_full is 'It asks for everything, so that what it does not name is gone.';
comment on column scheduler.portal_syncs.most_losses is 'A round for everything that misses more than this share of what is known is not believed: nothing is revoked.';
comment on column scheduler.portal_syncs.full_round_at is 'When the last round for everything began.';

create table if not exists scheduler.portal_certifications (
  source text,
  external_id text,
  user_id uuid not null,
  modified_on timestamptz not null,
  removed boolean not null default false,
  seen_in_round timestamptz not null,
  constraint portal_certifications_pkey primary key (source, external_id)
);
comment on table scheduler.portal_certifications is 'What a portal said last of each certification that was taken over.';

create table if not exists scheduler.certification_rejects (
  source text,
  external_id text,
  reason text
    constraint reject_reason_is_known check (
      reason in (
        'no_external_id', 'no_member', 'unknown_member', 'no_name', 'malformed_date', 'malformed_modified_on', 'malformed_removed',
        'duplicate', 'no_object'
      )
    ),
  invocation_id uuid,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  times integer not null default 1,
  constraint certification_rejects_pkey primary key (source, external_id, reason)
);
comment on table scheduler.certification_rejects is 'Certifications of a portal that were not taken over, and why; the id is the portal''s, empty where it gave none. What is right later goes away.';

do $$
begin
  if to_regclass('scheduler.portal_member') is null then
    create view scheduler.portal_member as
    select mentor.user_id::text as member_id, mentor.user_id
    from scheduler.mentor as mentor;
  end if;
  comment on view scheduler.portal_member is 'Who a member of the portal is here. As shipped the portal knows a mentor by the id that she has here. member_id must be indexed.';

  if to_regtype('scheduler.portal_round') is null then
    create type scheduler.portal_round as (
      started_at timestamptz,
      modified_since timestamptz,
      page_cursor text,
      page integer
    );
  end if;
  comment on type scheduler.portal_round is 'What a sync asks the portal for next: everything (modified_since null) or what changed since, from the first page or the one at page_cursor.';

  if to_regtype('scheduler.portal_page_result') is null then
    create type scheduler.portal_page_result as (
      received integer,
      applied integer,
      unchanged integer,
      revoked integer,
      rejected jsonb,
      completed boolean
    );
  end if;
  comment on type scheduler.portal_page_result is 'What became of a page: rejected counts by reason; completed: it was the last.';
end $$;

-- Only where the first migration made the tables: rows come from the portal by their
-- external_id, and for members by their id as text.
do $$
begin
  if exists (
    select from pg_policy where polrelid = 'public.peer_mentors'::regclass and polname = 'people see mentors in their reach'
  ) then
    create index if not exists peer_mentors_as_members on public.peer_mentors ((id::text));
  end if;
  if exists (
    select from pg_policy
    where polrelid = 'public.certifications'::regclass and polname = 'people see certifications of mentors in their reach'
  ) then
    create unique index if not exists a_certification_of_the_portal_comes_once
      on public.certifications (external_id) where external_id is not null;
  end if;
end $$;
