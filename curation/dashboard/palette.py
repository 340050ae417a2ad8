"""The command palette's one endpoint: screens, commands, projects, pools, workers, pictures, data sets."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from curation.dashboard.context import theme_of
from curation.dashboard.screens import LEAD, places
from curation.seats import Seat, seats
from curation.services import finding

LONGEST = 80
LEAST = 2  # letters before rows are looked for
Item = dict[str, Any]
MOST_PROJECTS = 8


@require_safe
@never_cache
@login_required
def palette(request: HttpRequest) -> JsonResponse:
    """Answer what fits the words, only what this person may open; without words all screens and commands.

    What is named so comes before what only means that: a pool “Call” before the screen of callbacks.
    """
    text = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:LONGEST]
    seat = _seat(request)
    known = [("Screens", list(_screens(request, seat))), ("Commands", list(_commands(request, seat)))]
    groups = known
    if text:
        rows = _rows(request, seat, text) if len(text) >= LEAST else []
        meant = [item for _title, items in known for item in _fitting(text, items)]
        named = [(title, _named(text, items)) for title, items in known]
        groups = [
            *named,
            ("Projects", _fitting(text, _projects(request))[:MOST_PROJECTS]),
            *rows[:-1],
            ("See also", [item for item in meant if not any(item in items for _title, items in named)]),
            *rows[-1:],
        ]
    return JsonResponse({"groups": [{"title": title, "items": items} for title, items in groups if items]})


def _seat(request: HttpRequest) -> Seat | None:
    """Return the project the person stands in, if it is one of his."""
    try:
        here = UUID(request.GET.get("p", ""))
    except ValueError:
        return None
    return next((seat for seat in seats(request) if seat.project.public_id == here), None)


def _named(text: str, items: Iterable[Item]) -> list[Item]:
    """Keep what has every word in its title."""
    return _fitting(text, [{**item, "words": ""} for item in items])


def _fitting(text: str, items: Iterable[Item]) -> list[Item]:
    """Keep what has every word in its title or among its words, those whose title begins with the text first."""
    words = text.lower().split()
    kept = [item for item in items if all(word in f"{item['label']} {item['words']}".lower() for word in words)]
    kept.sort(key=lambda item: not item["label"].lower().startswith(text.lower()))
    return [{name: value for name, value in item.items() if name != "words"} for item in kept]


def _item(label: str, url: str, hint: str = "", words: str = "", post: dict[str, str] | None = None) -> Item:
    return {"label": label, "hint": hint, "url": url, "words": words, **({"post": post} if post else {})}


def _screens(request: HttpRequest, seat: Seat | None) -> Iterator[Item]:
    for place in places(request, seat):
        yield _item(place.title, place.url, f"G {place.key[3:]}" if place.key else "", place.words)


def _commands(request: HttpRequest, seat: Seat | None) -> Iterator[Item]:
    other = "light" if theme_of(request) == "dark" else "dark"
    if seat and seat.may(LEAD):
        here = [seat.project.public_id]
        yield _item("Freeze a version", f"{reverse('datasets', args=here)}#freeze-h", words="data set export")
        yield _item("Invite workers", f"{reverse('inhouse', args=here)}#invite-h", words="link in-house")
        yield _item("Add a member", f"{reverse('settings', args=here)}#email", words="team role invite")
        yield _item("Make an API token", f"{reverse('settings-tokens', args=here)}#name", words="key rest")
    yield _item("Start a new project", reverse("new-project"), words="campaign create")
    yield _item(f"Switch to the {other} theme", reverse("theme"), words="dark light", post={"theme": other})
    yield _item("Sign out", reverse("sign-out"), words="log out leave", post={"out": "yes"})


def _projects(request: HttpRequest) -> Iterator[Item]:
    for seat in seats(request):
        hint = "archived" if seat.project.archived_at else seat.role
        yield _item(seat.project.name, reverse("project", args=[seat.project.public_id]), hint, seat.project.team)


def _rows(request: HttpRequest, seat: Seat | None, text: str) -> list[tuple[str, list[Item]]]:
    mine = {one.project.pk: one for one in seats(request)}
    ids = list(mine)
    return [
        ("Pools", _pools(text, ids, seat)),
        ("Workers", _workers(text, mine)),
        ("Data sets", _datasets(text, ids)),
        ("Assets", _assets(text, ids, seat)),
    ]


def _pools(text: str, ids: Sequence[int], seat: Seat | None) -> list[Item]:
    rows = finding.pools(text, ids, first=seat.project.pk if seat else 0)
    return [
        _item(f"{row.title}, {row.kind}", reverse("pool", args=[row.project.public_id, row.pk]), row.project.name)
        for row in rows
    ]


def _workers(text: str, mine: dict[int, Seat]) -> list[Item]:
    return [
        _item(row.short_id, reverse("worker", args=[mine[at].project.public_id, row.pk]), mine[at].project.name)
        for row, at in finding.workers(text, list(mine))
    ]


def _datasets(text: str, ids: Sequence[int]) -> list[Item]:
    return [
        _item(
            f"v{row.number} {row.note}".strip()[:80],
            reverse("datasets", args=[row.project.public_id]),
            row.project.name,
        )
        for row in finding.datasets(text, ids)
    ]


def _assets(text: str, ids: Sequence[int], seat: Seat | None) -> list[Item]:
    found = [
        _item(
            row.name or str(row.public_id),
            reverse("asset", args=[row.project.public_id, row.public_id]),
            row.project.name,
        )
        for row in finding.assets(text, ids)
    ]
    if seat:
        browse = reverse("assets", args=[seat.project.public_id])
        found.append(_item(f"Search the assets for “{text}”", f"{browse}?{urlencode({'q': text})}"))
    return found
