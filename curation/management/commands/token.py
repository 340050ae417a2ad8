"""Make an API token for a person and print it, once."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Project, User
from curation.services import tokens


class Command(BaseCommand):
    help = "Make an API token for a person. It is printed once and stored as a hash."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument("--scopes", default="read", help=f"comma-separated: {', '.join(tokens.SCOPES)}")
        parser.add_argument(
            "--projects", default="", help="comma-separated short names; all of the person's if left out"
        )
        parser.add_argument("--days", type=int, default=tokens.DAYS)

    def handle(self, *, email: str, name: str, scopes: str, projects: str, days: int, **_: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"{email!r} is nobody here; name the e-mail address of a person.", returncode=2)
        chosen = [_project(slug, user) for slug in _words(projects)]
        try:
            made = tokens.create_token(
                user=user,
                name=name,
                scopes=_words(scopes),
                projects=chosen,
                all_projects=not chosen,
                days=days,
                now=database_now(),
            )
        except CrowdError as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(made[1])
        self.stderr.write("Keep it now: it is not shown again.")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _project(slug: str, user: User) -> Project:
    project = Project.objects.visible_to(user).filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.visible_to(user).order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"{slug!r} is no project of {user.email}; there are: {known or 'none'}.", returncode=2)
    return project
