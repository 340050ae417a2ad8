"""What the shell of every page needs. Nothing is read before a template asks for it."""

from functools import cached_property
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from curation.dashboard import screens
from curation.models import Asset, Membership
from curation.seats import Seat, person, seats
from curation.services.overview import AssetCounts, asset_counts
from curation.services.own_keys import keys_of

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


class Shell:
    """Side bar and top bar of this request."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def seats(self) -> list[Seat]:
        """Return the projects to choose from: what is archived is reached from the list of projects only."""
        return [seat for seat in seats(self.request) if seat.project.archived_at is None]

    @cached_property
    def seat(self) -> Seat | None:
        """Return the seat in the project that the address names, if there is one."""
        match = self.request.resolver_match
        public_id = match.kwargs.get("public_id") if match else None
        return next((seat for seat in seats(self.request) if seat.project.public_id == public_id), None)

    @cached_property
    def counts(self) -> AssetCounts | None:
        """Return where the project's assets stand; a page that has read it already leaves it on the request."""
        if self.seat is None:
            return None
        kept: AssetCounts | None = getattr(self.request, "asset_counts", None)
        return kept or asset_counts(project=self.seat.project)

    @cached_property
    def to_review(self) -> int:
        """Return how many assets wait for a person."""
        if self.seat is None or self.counts is None:
            return 0
        stages = [stage.pk for stage in self.seat.project.stages.all() if stage.kind == "review"]
        return self.counts.sum(stages=stages, states=[Asset.State.WAITING, Asset.State.HELD])

    @property
    def has_lab(self) -> bool:
        """Return whether the project adds up boxes, so that other settings can be tried."""
        return self.seat is not None and any(stage.kind == "aggregate" for stage in self.seat.project.stages.all())

    @property
    def open_appeals(self) -> int:
        """Return how many appeals of workers wait for an answer."""
        return self.seat.open_appeals if self.seat else 0

    @cached_property
    def start(self) -> dict[str, Any]:
        """Return what the script of the shell begins with: where to ask, and where the letters after G lead."""
        user = person(self.request)
        here = screens.places(self.request, self.seat)
        return {
            "palette": reverse("palette"),
            "project": str(self.seat.project.public_id) if self.seat else "",
            "person": str(user.pk),
            "keys": keys_of(user),
            "keep_keys": reverse("own-keys"),
            "go": [{"title": place.title, "url": place.url, "key": place.key} for place in here if place.key],
        }

    @property
    def may_lead(self) -> bool:
        return self.seat is not None and self.seat.may(Membership.Role.LEAD)

    @property
    def may_see_accounts(self) -> bool:
        """Return whether platform accounts are this person's business: operators, and leads of any project."""
        is_operator = getattr(self.request.user, "is_staff", False)
        return is_operator or any(seat.may(Membership.Role.LEAD) for seat in self.seats)

    @property
    def may_review(self) -> bool:
        return self.seat is not None and self.seat.may(Membership.Role.REVIEWER)


def shell(request: HttpRequest) -> dict[str, Any]:
    return {"csp_nonce": getattr(request, "csp_nonce", ""), "theme": theme_of(request), "shell": Shell(request)}


def theme_of(request: HttpRequest) -> str:
    """Return light, dark or nothing (then the system decides): the browser's choice before the person's."""
    chosen = request.COOKIES.get(THEME_COOKIE, "") or getattr(getattr(request, "user", None), "theme", "")
    return chosen if chosen in THEMES else ""
