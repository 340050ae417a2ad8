"""`sign_in_link EMAIL`: a one-time link for somebody who cannot sign in. For the operator of the server."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from curation.embedded.supervisor import running_at
from curation.models import User
from curation.services import people, second_factor


class Command(BaseCommand):
    help = "Print a link that signs a person in once, within 15 minutes."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--reset-two-factor", action="store_true", help="take the second factor of a lost telephone away"
        )

    def handle(self, *_: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].strip().lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"Nobody here has the address {options['email']}.", returncode=2)
        if options["reset_two_factor"] and not second_factor.reset(user=user):
            self.stderr.write(f"{user.email} has no second factor.")
        address = running_at(settings.PATHS, otherwise=settings.BASE_URL)
        self.stdout.write(people.sign_in_link(user=user, base_url=address))
