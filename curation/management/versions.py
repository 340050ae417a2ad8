"""The version of a data set that a command names."""

from django.core.management.base import CommandError, CommandParser

from curation.models import DatasetVersion, Project


def add_version(parser: CommandParser, text: str) -> None:
    parser.add_argument("--version", type=int, metavar="V", dest="number", help=text)


def version_or_exit(project: Project, number: int | None) -> DatasetVersion:
    """Return the version, the newest without a number, or end with status 2 and the numbers there are."""
    frozen = DatasetVersion.objects.filter(project=project, frozen_at__isnull=False).order_by("-number")
    found = frozen.first() if number is None else frozen.filter(number=number).first()
    if found is None:
        known = ", ".join(str(one.number) for one in reversed(frozen)) or "none yet"
        what = "frozen version" if number is None else f"version {number}"
        raise CommandError(f"{project.slug} has no {what}; there are: {known}.", returncode=2)
    return found
