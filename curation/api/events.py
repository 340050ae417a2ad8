"""Events: who did what, when, in the projects the caller leads."""

from typing import Any

from django.db.models import OuterRef, Subquery
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, led, listing, project_ids, require_lead, single
from curation.api.paging import Filter, by_time, yes_or_no
from curation.models import Event, Project
from curation.services.audit import SUBJECTS


class EventRow(serializers.ModelSerializer[Event]):
    project = serializers.UUIDField(source="project_uuid")
    by = serializers.CharField(source="by.name", default=None, allow_null=True, help_text="null = the machine")
    details = serializers.DictField(source="data", help_text="what the event says beyond its sentence")

    class Meta:
        model = Event
        fields = ["id", "project", "kind", "text", "subject_type", "subject_id", "details", "by", "created_at"]


def _subject(text: str) -> str:
    if text not in SUBJECTS:
        raise ValueError(text)
    return text


FILTERS = {
    "project": PROJECT,
    "about": Filter(
        lambda rows, text: rows.filter(kind__startswith=f"{text}."),
        "the word before the dot of a kind, such as pool",
        parse=_subject,
        expected=f"one of {', '.join(SUBJECTS)}",
    ),
    "kind": Filter(lambda rows, text: rows.filter(kind=text), "exactly this kind, such as pool.opened"),
    "by_people": yes_or_no(lambda rows, yes: rows.filter(by__isnull=not yes), "false = what the machine did by itself"),
    "since": by_time(lambda rows, moment: rows.filter(created_at__gte=moment), "from this time on"),
    "until": by_time(lambda rows, moment: rows.filter(created_at__lt=moment), "before this time"),
}


def _rows(ids: list[int]) -> Any:
    project = Project.objects.filter(pk=OuterRef("project_id")).values("public_id")[:1]
    rows = Event.objects.filter(project_id__in=ids).select_related("by")
    return rows.annotate(project_uuid=Subquery(project))


class EventList(Door):
    @describe_list(EventRow, FILTERS, "events", "The record of who did what, of the projects you lead")
    def get(self, request: Request) -> Response:
        return listing(request, _rows(project_ids(request, led)), FILTERS, EventRow)


class EventOne(Door):
    @describe_one(EventRow, "One event")
    def get(self, request: Request, event_id: int) -> Response:
        event = found(_rows(project_ids(request)), pk=event_id)
        require_lead(request, event.project_id)
        return single(request, EventRow, EventRow(event).data)
