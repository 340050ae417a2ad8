"""The card of a data set: what it is, under which licence, for what; every version keeps it as it was."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from crowd.errors import CrowdError
from curation.datasets.formats.base import Card
from curation.models import DatasetCard, DatasetVersion, Project, User
from curation.services import events, versions
from curation.services.turns import take_turns

LONGEST = {"title": 120, "licence": 120, "homepage": 300, "citation": 2000, "consent": 2000}
LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True)
class CardText:
    """What a lead writes on the card."""

    title: str = ""
    description: str = ""
    licence: str = ""
    intended_use: str = ""
    limits: str = ""
    consent: str = ""
    citation: str = ""
    homepage: str = ""


@transaction.atomic
def save_card(*, project_id: int, text: CardText, by: User | None, now: datetime) -> DatasetCard:
    """Write the card anew; frozen versions keep the one they have."""
    project = Project.objects.get(pk=project_id)
    take_turns(project=project, what="card")
    values = {name: value.strip() for name, value in asdict(text).items()}
    for name, value in values.items():
        most = LONGEST.get(name, LONGEST_TEXT)
        if len(value) > most or "\0" in value:
            raise CrowdError(f"{name.replace('_', ' ').capitalize()} has {len(value):,} letters; at most {most:,} fit.")
    if values["homepage"] and not values["homepage"].startswith(("https://", "http://")):
        raise CrowdError("The homepage is an address that begins with https://.")
    card, _ = DatasetCard.objects.update_or_create(
        project=project, defaults={**values, "updated_by": by, "updated_at": now}
    )
    who = by.name if by else "The command line"
    events.record(
        kind="dataset.card",
        text=f"{who} wrote the card of the data set.",
        project=project,
        subject=card,
        by=by,
        data={"consent": values["consent"]},  # who vouches for people who did not agree on our pages
        now=now,
    )
    versions.bump(project_id=project.pk)
    return card


def frozen_card(project: Project) -> dict[str, Any]:
    """Return the card as a version keeps it: what nobody has written is taken from the project."""
    card = DatasetCard.objects.filter(project=project).first() or DatasetCard(project=project)
    told = {name: getattr(card, name) for name in CardText.__dataclass_fields__}
    return {**told, "title": card.title or project.name, "description": card.description or project.description}


def card_of(version: DatasetVersion) -> Card:
    """Return what exports of a version say of it."""
    return Card(**{name: str(version.card.get(name, "")) for name in CardText.__dataclass_fields__})
