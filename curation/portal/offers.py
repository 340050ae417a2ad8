"""The work a worker is offered, as his home page shows it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crowd.authored import told
from crowd.models import Assignment, Batch
from crowd.services.offers import Offer
from curation.portal import amounts

ICON_OF_INTERFACE = {
    "photo": "camera",
    "link": "link",
    "choice": "list-checks",
    "pair": "columns-2",
    "text": "pencil",
    "boxes": "square-dashed",
    "outlines": "spline",
}
KIND_WORDS = {Batch.Kind.TRAINING: gettext_noop("Training"), Batch.Kind.EXAM: gettext_noop("Exam")}


@dataclass(frozen=True, slots=True)
class ShownOffer:
    batch_id: int
    title: str
    icon: str
    kind: str
    price: str
    tasks: int
    left: int
    most: str
    needs: str
    page_id: int | None
    own: int = 0


def kind_words(batch: Batch) -> str:
    """Return Training or Exam; real work has no word of its own."""
    words = KIND_WORDS.get(Batch.Kind(batch.kind), "")
    return _(words) if words else ""


def price_text(amount_micro: int, currency: str = "USD") -> str:
    """Return the price of a page, nothing where it is unpaid."""
    return amounts.price(amount_micro, currency) if amount_micro else ""


def hourly_text(hourly_micro: int, currency: str = "USD") -> str:
    return _("%(rate)s an hour") % {"rate": amounts.price(hourly_micro, currency)}


def shown_offers(
    offers: Sequence[Offer], active: Mapping[int, Assignment], own: Mapping[int, int], currency: str
) -> list[ShownOffer]:
    """Put what is open first, then what is kept for this worker, then what can be begun, then what needs something."""
    shown = [_shown_offer(offer, active.get(offer.batch.pk), own.get(offer.batch.pk, 0), currency) for offer in offers]
    return sorted(shown, key=lambda offer: (offer.page_id is None, bool(offer.needs), not offer.own))


def _shown_offer(offer: Offer, page: Assignment | None, own: int, currency: str) -> ShownOffer:
    batch, hourly = offer.batch, offer.hourly_micro
    icon = ICON_OF_INTERFACE.get(batch.interface, "list-checks")
    return ShownOffer(
        batch_id=batch.pk,
        title=told(batch.spec.get("title")) or _("Task"),
        icon="video" if batch.spec.get("media") == "video" and icon == "camera" else icon,
        kind=kind_words(batch),
        price=hourly_text(hourly, currency) if hourly else price_text(offer.price_micro, currency),
        tasks=batch.page_size,
        left=offer.available if batch.kind == Batch.Kind.MAIN else 0,
        most=amounts.total(offer.price_micro, currency) if hourly else "",
        needs="" if page else offer.needs,
        page_id=page.pk if page else None,
        own=own,
    )
