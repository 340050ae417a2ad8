"""Make an API token for a person and print it, once; or end those of a name."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import ApiToken, Project, User
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
        parser.add_argument("--revoke", action="store_true", help="end the person's tokens of this name instead")

    def handle(self, *, email: str, name: str, scopes: str, projects: str, days: int, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError(f"{email!r} is nobody here; name the e-mail address of a person.", returncode=2)
        if options["revoke"]:
            self._revoke(user, name)
            return
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

    def _revoke(self, user: User, name: str) -> None:
        mine = ApiToken.objects.filter(user=user, name=name, revoked_at=None)
        ids = list(mine.values_list("pk", flat=True))
        if not ids:
            raise CommandError(f"{user.email} has no token {name!r} that is still good.", returncode=2)
        for token_id in ids:
            tokens.revoke_token(token_id=token_id, by=user, now=database_now())
        self.stdout.write(f"{len(ids)} ended: {name}")


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _project(slug: str, user: User) -> Project:
    project = Project.objects.visible_to(user).filter(slug=slug).first()
    if project is None:
        known = ", ".join(Project.objects.visible_to(user).order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"{slug!r} is no project of {user.email}; there are: {known or 'none'}.", returncode=2)
    return project
