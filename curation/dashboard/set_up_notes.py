"""What the first page says about projects that are being made, and about one that has just been."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from curation.engine import set_up
from curation.models import Job, Project

UNDER_WAY = {
    "drafts": "“{name}” is being set up: its examples and known answers are drawn.",
    "pilot": "“{name}” is being set up; then a pilot of {pilot:,} a class begins. The rest waits under New project.",
    "all": "“{name}” is being set up; then its pools open.",
}


@dataclass(frozen=True, slots=True)
class Note:
    text: str
    tone: str = ""
    project: Project | None = None

    @property
    def is_under_way(self) -> bool:
        return not self.tone


def notes_for(jobs: Sequence[Job], projects: Iterable[Project], made: str) -> list[Note]:
    """Return a note for each project that is not made yet, and for the one that was to be made.

    Read `jobs` before `projects`: one that becomes ready between the two is then told of once more.
    """
    waiting = {job.key for job in jobs}
    ready = [project for project in projects if project.slug == made and made not in waiting]
    return [*map(_note, jobs), *(Note(f"“{project.name}” is set up.", "success", project) for project in ready)]


def note_of(project: Project) -> Note | None:
    """Return what is still being done to set a project up, or why it could not be."""
    job = set_up.unfinished().filter(key=project.slug).first()
    return _note(job) if job else None


def _note(job: Job) -> Note:
    if job.state == Job.State.DEAD:
        return Note(f"“{job.payload['name']}” could not be set up: {job.last_error}", "error")
    wanted = set_up.read(job.payload)
    return Note(UNDER_WAY[wanted.start].format(name=wanted.name, pilot=wanted.pilot))
