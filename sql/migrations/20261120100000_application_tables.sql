-- The reference application schema. A table that a project already has is left
-- exactly as it is: its row level security, policies and grants are its own.
--
-- No key leads from a user_id of device_tokens, notification_preferences or
-- staff to peer_mentors: these belong to auth users, who need not be mentors.

set lock_timeout = '5s';

do $$
declare
  makes_organisations constant boolean := to_regclass('public.organisations') is null;
  makes_chapters constant boolean := to_regclass('public.chapters') is null;
  makes_peer_mentors constant boolean := to_regclass('public.peer_mentors') is null;
begin
  if makes_organisations then
    create table public.organisations (
      id uuid primary key default gen_random_uuid(),
      name text not null,
      timezone text default 'Europe/Oslo',
      locale text default 'nb'
    );
    comment on table public.organisations is 'The organisations whose volunteers the app serves.';
    alter table public.organisations enable row level security;
    revoke all on table public.organisations from anon, authenticated;
    grant select on table public.organisations to authenticated;
    grant all on table public.organisations to service_role;
  end if;

  if makes_chapters then
    create table public.chapters (
      id uuid primary key default gen_random_uuid(),
      organisation_id uuid not null
        constraint chapters_belong_to_an_organisation references public.organisations (id) on delete cascade,
      name text not null
    );
    comment on table public.chapters is 'The local chapters of an organisation.';
    create index chapters_organisation on public.chapters (organisation_id);
    alter table public.chapters enable row level security;
    revoke all on table public.chapters from anon, authenticated;
    grant select on table public.chapters to authenticated;
    grant all on table public.chapters to service_role;
  end if;

  if makes_peer_mentors then
    create table public.peer_mentors (
      id uuid primary key,
      organisation_id uuid not null
        constraint peer_mentors_belong_to_an_organisation references public.organisations (id) on delete cascade,
      chapter_id uuid
        constraint peer_mentors_may_belong_to_a_chapter references public.chapters (id) on delete set null,
      status text not null default 'active'
        constraint peer_mentor_status_is_known check (status in ('active', 'paused', 'inactive')),
      joined_on date not null default current_date,
      timezone text,
      locale text
    );
    comment on table public.peer_mentors is 'The roster. The id is the mentor''s auth user id; every user_id elsewhere holds it.';
    create index peer_mentors_organisation on public.peer_mentors (organisation_id);
    create index peer_mentors_chapter on public.peer_mentors (chapter_id);
    alter table public.peer_mentors enable row level security;
    create policy "mentors see themselves" on public.peer_mentors
      for select to authenticated using (id = (select auth.uid()));
    revoke all on table public.peer_mentors from anon, authenticated;
    grant select on table public.peer_mentors to authenticated;
    grant all on table public.peer_mentors to service_role;
  end if;

  if makes_organisations and makes_peer_mentors then
    create policy "mentors see their organisation" on public.organisations
      for select to authenticated using (
        id in (select mentor.organisation_id from public.peer_mentors as mentor where mentor.id = (select auth.uid()))
      );
  end if;
  if makes_chapters and makes_peer_mentors then
    create policy "mentors see their chapter" on public.chapters
      for select to authenticated using (
        id in (select mentor.chapter_id from public.peer_mentors as mentor where mentor.id = (select auth.uid()))
      );
  end if;
end $$;

do $$
begin
  if to_regclass('public.activities') is not null then
    return;
  end if;

  create table public.activities (
    id bigint generated always as identity primary key,
    user_id uuid not null
      constraint activities_are_of_a_mentor references public.peer_mentors (id) on delete cascade,
    activity_date date not null,
    kind text
  );
  comment on table public.activities is 'What mentors did, or plan to do, and when.';
  create index activities_user_date on public.activities (user_id, activity_date);
  alter table public.activities enable row level security;
  create policy "mentors see their own activities" on public.activities
    for select to authenticated using (user_id = (select auth.uid()));
  revoke all on table public.activities from anon, authenticated;
  grant select on table public.activities to authenticated;
  grant all on table public.activities to service_role;
  revoke all on sequence public.activities_id_seq from anon, authenticated;
  grant all on sequence public.activities_id_seq to service_role;
end $$;

do $$
begin
  if to_regclass('public.certifications') is not null then
    return;
  end if;

  create table public.certifications (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null
      constraint certifications_are_of_a_mentor references public.peer_mentors (id) on delete cascade,
    name text not null default 'certification',
    expires_on date,
    revoked_at timestamptz,
    external_id text
  );
  comment on table public.certifications is 'Certifications of mentors; without expires_on they are valid without limit.';
  create index certifications_user on public.certifications (user_id);
  create index certifications_expiry on public.certifications (expires_on, user_id) where revoked_at is null;
  alter table public.certifications enable row level security;
  create policy "mentors see their own certifications" on public.certifications
    for select to authenticated using (user_id = (select auth.uid()));
  revoke all on table public.certifications from anon, authenticated;
  grant select on table public.certifications to authenticated;
  grant all on table public.certifications to service_role;
end $$;

do $$
begin
  if to_regclass('public.device_tokens') is not null then
    return;
  end if;

  create table public.device_tokens (
    id bigint generated always as identity primary key,
    token text not null
      constraint device_token_belongs_to_one_user unique,
    user_id uuid not null,
    platform text
      constraint device_platform_is_known check (platform in ('android', 'ios', 'web')),
    provider text,
    last_seen_at timestamptz not null default now(),
    disabled_at timestamptz
  );
  comment on table public.device_tokens is 'Where pushes go: a row per installed app. A device that names no provider uses the default one.';
  create index device_tokens_user on public.device_tokens (user_id) where disabled_at is null;
  alter table public.device_tokens enable row level security;
  create policy "users see their own devices" on public.device_tokens
    for select to authenticated using (user_id = (select auth.uid()));
  revoke all on table public.device_tokens from anon, authenticated;
  grant select on table public.device_tokens to authenticated;
  grant all on table public.device_tokens to service_role;
  revoke all on sequence public.device_tokens_id_seq from anon, authenticated;
  grant all on sequence public.device_tokens_id_seq to service_role;
end $$;

do $$
begin
  if to_regclass('public.notification_preferences') is not null then
    return;
  end if;

  create table public.notification_preferences (
    user_id uuid not null,
    scenario_type text not null,
    push_enabled boolean not null default true,
    constraint one_preference_per_user_and_scenario primary key (user_id, scenario_type)
  );
  comment on table public.notification_preferences is 'What users want pushed. No row means yes.';
  alter table public.notification_preferences enable row level security;
  create policy "users see their own preferences" on public.notification_preferences
    for select to authenticated using (user_id = (select auth.uid()));
  create policy "users set their own preferences" on public.notification_preferences
    for insert to authenticated with check (user_id = (select auth.uid()));
  create policy "users change their own preferences" on public.notification_preferences
    for update to authenticated using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
  revoke all on table public.notification_preferences from anon, authenticated;
  grant select, insert, update on table public.notification_preferences to authenticated;
  grant all on table public.notification_preferences to service_role;
end $$;

do $$
begin
  if to_regclass('public.staff') is not null then
    return;
  end if;

  create table public.staff (
    user_id uuid not null,
    organisation_id uuid not null
      constraint staff_belong_to_an_organisation references public.organisations (id) on delete cascade,
    role text not null
      constraint staff_role_is_known check (role in ('coordinator', 'admin')),
    constraint one_role_per_user_and_organisation primary key (user_id, organisation_id)
  );
  comment on table public.staff is 'Coordinators and administrators of an organisation.';
  create index staff_organisation on public.staff (organisation_id);
  alter table public.staff enable row level security;
  create policy "staff see their own role" on public.staff
    for select to authenticated using (user_id = (select auth.uid()));
  revoke all on table public.staff from anon, authenticated;
  grant select on table public.staff to authenticated;
  grant all on table public.staff to service_role;
end $$;

do $$
begin
  if to_regclass('public.coordinator_assignments') is not null then
    return;
  end if;

  create table public.coordinator_assignments (
    coordinator_id uuid not null,
    peer_mentor_id uuid not null
      constraint assignments_are_of_a_mentor references public.peer_mentors (id) on delete cascade,
    constraint a_coordinator_has_a_mentor_once primary key (coordinator_id, peer_mentor_id)
  );
  comment on table public.coordinator_assignments is 'Mentors whom a coordinator follows up directly.';
  create index coordinator_assignments_mentor on public.coordinator_assignments (peer_mentor_id);
  alter table public.coordinator_assignments enable row level security;
  create policy "mentors see who follows them up" on public.coordinator_assignments
    for select to authenticated using (peer_mentor_id = (select auth.uid()));
  revoke all on table public.coordinator_assignments from anon, authenticated;
  grant select on table public.coordinator_assignments to authenticated;
  grant all on table public.coordinator_assignments to service_role;
end $$;

do $$
begin
  if to_regclass('public.chapter_coordinators') is not null then
    return;
  end if;

  create table public.chapter_coordinators (
    coordinator_id uuid not null,
    chapter_id uuid not null
      constraint coordinators_are_of_a_chapter references public.chapters (id) on delete cascade,
    constraint a_coordinator_has_a_chapter_once primary key (coordinator_id, chapter_id)
  );
  comment on table public.chapter_coordinators is 'Chapters whose mentors a coordinator follows up.';
  create index chapter_coordinators_chapter on public.chapter_coordinators (chapter_id);
  alter table public.chapter_coordinators enable row level security;
  create policy "coordinators see their own chapters" on public.chapter_coordinators
    for select to authenticated using (coordinator_id = (select auth.uid()));
  revoke all on table public.chapter_coordinators from anon, authenticated;
  grant select on table public.chapter_coordinators to authenticated;
  grant all on table public.chapter_coordinators to service_role;
end $$;
