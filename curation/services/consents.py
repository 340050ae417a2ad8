"""What contributors agree to: the text a project shows, and how an agreement names the text it was about."""

import hashlib
from typing import Final

from django.utils.translation import gettext_noop

from crowd.models import Worker
from curation.models import Project

CONSENT: Final = gettext_noop(
    "I take part of my own free will. What I send may be used for the data set that this project makes."
)
REHEARSED: Final = "rehearsal"
"""What the simulated crowd agrees to, whatever a project says."""


def consent_of(project: Project) -> str:
    """Return the text a project shows now."""
    return project.consent_text.strip() or CONSENT


def digest_of_consent(project: Project) -> str:
    return hashlib.sha256(consent_of(project).encode()).hexdigest()


def present_texts(project: Project) -> list[str]:
    """Return what a contributor's record names who has agreed to the present text."""
    return [digest_of_consent(project), REHEARSED]


def agreed_to(worker: Worker, project: Project) -> str:
    """Say which text a contributor has agreed to."""
    if worker.consented_at is None:
        return "no consent is recorded"
    if worker.consent_version in present_texts(project):
        return "to the present text"
    return "to another text than the project shows now"
