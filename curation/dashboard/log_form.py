"""The record as a page: what the address asks for, and the page after."""

from datetime import date
from typing import Any

from django.http import HttpRequest

from curation.models import Project
from curation.seats import person
from curation.services import audit


def log_context(request: HttpRequest, project: Project | None = None) -> dict[str, Any]:
    """Read filter and place from the address; what is no date or number is left out."""
    wish = _wish(request)
    page = audit.entries(wish=wish, reader=person(request), before=_number(request, "before"), project=project)
    newest = request.GET.copy()
    newest.pop("before", None)
    older = newest.copy()
    older["before"] = str(page.older)
    return {
        "wish": wish,
        "entries": page.entries,
        "older": f"?{older.urlencode()}" if page.older else "",
        "newest": f"?{newest.urlencode()}" if "before" in request.GET else "",
        "is_narrowed": wish != audit.Wish(),
        "subjects": audit.SUBJECTS,
        "people": audit.people(project=project),
    }


def _wish(request: HttpRequest) -> audit.Wish:
    about = request.GET.get("about", "")
    return audit.Wish(
        about=about if about in audit.SUBJECTS else "",
        person=_number(request, "person"),
        since=_day(request, "since"),
        until=_day(request, "until"),
        machine_too=request.GET.get("machine") == "yes",
    )


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _day(request: HttpRequest, name: str) -> date | None:
    try:
        return date.fromisoformat(request.GET.get(name, ""))
    except ValueError:
        return None
