"""Signing in with a password: failures are rows, and too many of them close the door for a while."""

import hashlib
from datetime import datetime, timedelta

from django.contrib.auth import authenticate
from django.db.models.functions import Now
from django.http import HttpRequest

from curation.models import Event, User

MOST_FAILURES = 5
WINDOW = timedelta(minutes=15)
KIND = "sign_in.failed"


class TooManyFailures(Exception):
    """Five failures in a quarter of an hour, for this account or from this address."""

    def __init__(self) -> None:
        super().__init__("Too many failed attempts. Wait 15 minutes, or ask your operator for a sign-in link.")


def check_password(*, request: HttpRequest, email: str, password: str, address: str, now: datetime) -> User | None:
    """Return the person, or None for a wrong password and an unknown person alike. Raises TooManyFailures."""
    subjects = {"sign-in-account": _number(email.strip().lower()), "sign-in-address": _number(address)}
    if any(_failures(kind, number, now) >= MOST_FAILURES for kind, number in subjects.items()):
        raise TooManyFailures
    user = authenticate(request, username=email.strip().lower(), password=password)
    if isinstance(user, User):
        return user
    Event.objects.bulk_create(
        Event(kind=KIND, text="A sign-in failed.", subject_type=kind, subject_id=number, created_at=Now())
        for kind, number in subjects.items()
    )
    return None


def choose_theme(*, user: User, theme: str) -> None:
    """Remember light or dark, or follow the system again with an empty word."""
    User.objects.filter(pk=user.pk).update(theme=theme)


def _failures(kind: str, number: int, now: datetime) -> int:
    since = now - WINDOW
    return Event.objects.filter(subject_type=kind, subject_id=number, kind=KIND, created_at__gt=since).count()


def _number(text: str) -> int:
    """Return a number that stands for an address or account without storing it."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
