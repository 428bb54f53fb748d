// Who may see what, told from the rules and not from the policies: a mentor herself;
// a coordinator the mentors whom she follows up, directly or through a chapter, in
// organisations of which she is staff; an admin those of her organisation.

import type { Mentor, World } from "./world.ts";

/** What somebody who is logged in may know of a world. */
export class Reach {
  constructor(readonly world: World, readonly person: string) {}

  isStaffOf(organisation: string): boolean {
    return this.world.staff.some((row) =>
      row.user_id === this.person && row.organisation_id === organisation
    );
  }

  isAdminOf(organisation: string): boolean {
    return this.world.staff.some((row) =>
      row.user_id === this.person && row.organisation_id === organisation && row.role === "admin"
    );
  }

  isStaff(): boolean {
    return this.world.staff.some((row) => row.user_id === this.person);
  }

  coordinates(chapter: string | null): boolean {
    return this.world.chapter_coordinators.some((row) =>
      row.coordinator_id === this.person && row.chapter_id === chapter
    );
  }

  followsUp(mentor: Mentor): boolean {
    const assigned = this.world.coordinator_assignments.some((row) =>
      row.coordinator_id === this.person && row.peer_mentor_id === mentor.id
    );
    return this.isStaffOf(mentor.organisation_id) &&
      (assigned || this.coordinates(mentor.chapter_id));
  }

  /** The mentors of whom she may know as a member of staff. */
  mentors(): Mentor[] {
    return this.world.peer_mentors.filter((mentor) =>
      this.isAdminOf(mentor.organisation_id) || this.followsUp(mentor)
    );
  }

  /** The rows that she sees in each table. */
  rows(): World {
    const { world, person } = this;
    const reached = new Set(this.mentors().map((mentor) => mentor.id));
    const known = world.peer_mentors.filter(({ id }) => id === person || reached.has(id));
    const isKnown = (user: string) => known.some(({ id }) => id === user);
    const mentor = (id: string) => world.peer_mentors.find((row) => row.id === id);
    const organisationOf = (chapter: string) =>
      world.chapters.find(({ id }) => id === chapter)?.organisation_id ?? "";
    const administers = (id: string) => this.isAdminOf(mentor(id)?.organisation_id ?? "");
    return {
      organisations: world.organisations.filter(({ id }) =>
        this.isStaffOf(id) || mentor(person)?.organisation_id === id
      ),
      chapters: world.chapters.filter((chapter) =>
        known.some(({ chapter_id }) => chapter_id === chapter.id) ||
        this.isAdminOf(chapter.organisation_id) ||
        (this.isStaffOf(chapter.organisation_id) && this.coordinates(chapter.id))
      ),
      peer_mentors: known,
      mentor_status_history: world.mentor_status_history.filter((row) => isKnown(row.user_id)),
      activities: world.activities.filter((row) => isKnown(row.user_id)),
      certifications: world.certifications.filter((row) => isKnown(row.user_id)),
      device_tokens: world.device_tokens.filter((row) => row.user_id === person),
      notification_preferences: world.notification_preferences.filter((row) =>
        row.user_id === person
      ),
      staff: world.staff.filter((row) =>
        row.user_id === person || this.isAdminOf(row.organisation_id)
      ),
      coordinator_assignments: world.coordinator_assignments.filter((row) =>
        row.peer_mentor_id === person || administers(row.peer_mentor_id) ||
        (row.coordinator_id === person && reached.has(row.peer_mentor_id))
      ),
      chapter_coordinators: world.chapter_coordinators.filter((row) =>
        this.isAdminOf(organisationOf(row.chapter_id)) ||
        (row.coordinator_id === person && this.isStaffOf(organisationOf(row.chapter_id)))
      ),
    };
  }
}
