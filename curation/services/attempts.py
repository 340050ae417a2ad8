"""Guessing is slow: failures are rows, and five in a quarter of an hour close a door for a while."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import connection
from django.db.models.functions import Now

from curation.models import Event

MOST_FAILURES = 5
WINDOW = timedelta(minutes=15)
KIND = "sign_in.failed"
# By what is counted, and what the record says of it.
TEXTS = {
    "sign-in-account": "A wrong password was given for an account.",
    "sign-in-address": "A wrong password came from an address.",
    "sign-in-link-address": "A sign-in link that was never given out came from an address.",
    "second-factor": "A wrong code was given at two-factor sign-in.",
}

USUAL_ADVICE = "Wait 15 minutes, or ask your operator for a sign-in link."
ADVICE = {
    "sign-in-link-address": "Open the link as it was sent to you, to its last letter: one that is good still opens.",
    "second-factor": "Wait 15 minutes, or ask your operator to reset two-factor sign-in.",
}


class TooManyFailures(Exception):
    """Five failures in a quarter of an hour, for this account or from this address."""

    def __init__(self, subject: str = "") -> None:
        super().__init__(f"Too many failed attempts. {ADVICE.get(subject, USUAL_ADVICE)}")


class LookedAtJustNow(TooManyFailures):
    """Another attempt at the same account is looked at in this moment: a burst of guesses, or a double click."""

    def __init__(self) -> None:
        Exception.__init__(self, "Another sign-in to this account is looked at in this moment. Try again in a second.")


def number_of(text: str) -> int:
    """Return a number that stands for an address or account without storing it."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def refuse_too_many(*, subjects: Mapping[str, int], now: datetime) -> None:
    """Raise TooManyFailures when one of the subjects, kind to number, has failed too often."""
    for kind, number in subjects.items():
        failed = Event.objects.filter(subject_type=kind, subject_id=number, kind=KIND, created_at__gt=now - WINDOW)
        if failed.count() >= MOST_FAILURES:
            raise TooManyFailures(kind)


@contextmanager
def one_at_a_time(number: int) -> Iterator[None]:
    """Refuse a guess while another one at the same account is looked at, so that a burst counts like a row of them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [number])
        if cursor.fetchone() != (True,):
            raise LookedAtJustNow
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])


def note_failure(*, subjects: Mapping[str, int]) -> None:
    Event.objects.bulk_create(
        Event(kind=KIND, text=TEXTS[kind], subject_type=kind, subject_id=number, created_at=Now())
        for kind, number in subjects.items()
    )
