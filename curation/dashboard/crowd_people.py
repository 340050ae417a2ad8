"""Which crowds a person may choose, what each can do, and how many of its people we know, by their rating."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Avg, Count, F, IntegerField, OuterRef, Subquery
from django.db.models.functions import Cast, Floor

from crowd.models import Account, SkillValue, Worker
from crowd.platforms.connecting import abilities, terms_of
from crowd.platforms.registry import elsewhere, platform
from curation.engine.market_accounts import LABELS
from curation.models import User
from curation.services import accounts

BINS = 20
Rated = tuple[tuple[int, ...], int]
NOBODY: Rated = ((), 0)
WORDS = {"inhouse": "People you invite", "rehearsal": "Simulated crowd, free"}


@dataclass(frozen=True, slots=True)
class CrowdChoice:
    """`bins`: people we know by their mean skill, lowest first; `unrated` have none yet.

    `does` and `lacks` name what a platform can and cannot do.
    """

    value: str
    label: str
    platform: str
    currency: str
    note: str
    sees_rating: bool
    does: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    bins: tuple[int, ...] = ()
    unrated: int = 0

    @property
    def abilities(self) -> int:
        return len(self.does) + len(self.lacks)

    @property
    def known(self) -> int:
        return sum(self.bins) + self.unrated


def crowds_for(user: User) -> list[CrowdChoice]:
    """Return our own markets and the connected accounts this person may use."""
    connected = accounts.visible_to(user).filter(is_active=True, platform__in=elsewhere()).order_by("label", "slug")
    own = list(Account.objects.defer("secrets").filter(slug="inhouse"))
    found = list(connected)
    people = _people([account.pk for account in [*own, *found]])
    mine = {account.slug: people.get(account.pk, NOBODY) for account in own}
    return [
        *(_choice(Account(slug=slug, label=WORDS[slug], platform=slug), mine.get(slug, NOBODY)) for slug in LABELS),
        *(_choice(one, people.get(one.pk, NOBODY)) for one in found),
    ]


def _choice(account: Account, people: Rated) -> CrowdChoice:
    slug = account.platform
    can = platform(slug).capabilities
    known = abilities(can)
    return CrowdChoice(
        value=account.slug,
        label=account.label,
        platform=terms_of(slug).title,
        currency=account.currency,
        note=can.note or terms_of(slug).about,
        sees_rating=can.pages != "local" and "top_percent" in can.audience_filters,
        does=tuple(one.what for one in known if one.good),
        lacks=tuple(one.what for one in known if one.good is False),
        bins=people[0],
        unrated=people[1],
    )


def _people(account_ids: Sequence[int]) -> dict[int, Rated]:
    """Count the people of accounts by their mean skill, in one query."""
    skills = SkillValue.objects.filter(worker=OuterRef("pk")).order_by().values("worker")
    place = Cast(Floor(F("rating") / (100 / BINS)), IntegerField())
    rows = (
        Worker.objects.filter(account_id__in=account_ids)
        .annotate(rating=Subquery(skills.annotate(mean=Avg("value")).values("mean")))
        .annotate(place=place)
        .order_by()
        .values_list("account_id", "place")
        .annotate(n=Count("pk"))
    )
    found: dict[int, tuple[list[int], int]] = {}
    for account_id, at, n in rows:
        bins, unrated = found.get(account_id, ([0] * BINS, 0))
        if at is not None:
            bins[min(at, BINS - 1)] += n
        found[account_id] = (bins, unrated + (n if at is None else 0))
    return {account_id: (tuple(bins), unrated) for account_id, (bins, unrated) in found.items()}
