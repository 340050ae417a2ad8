"""Signing in with a password: failures are rows, and too many of them close the door for a while."""

from datetime import datetime

from django.contrib.auth import authenticate
from django.http import HttpRequest

from curation.models import User
from curation.services.attempts import note_failure, number_of, one_at_a_time, refuse_too_many


def check_password(*, request: HttpRequest, email: str, password: str, address: str, now: datetime) -> User | None:
    """Return the person, or None for a wrong password and an unknown person alike. Raises TooManyFailures."""
    email = email.strip().lower()
    subjects = {"sign-in-account": number_of(email), "sign-in-address": number_of(address)}
    with one_at_a_time(subjects["sign-in-account"]):
        refuse_too_many(subjects=subjects, now=now)
        user = authenticate(request, username=email, password=password)
        if isinstance(user, User):
            return user
        note_failure(subjects=subjects)
    return None


def choose_theme(*, user: User, theme: str) -> None:
    """Remember light or dark, or follow the system again with an empty word."""
    User.objects.filter(pk=user.pk).update(theme=theme)
