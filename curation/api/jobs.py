"""Jobs of your projects: what is under way, how far, what failed."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.doors import Door, describe_list, listing, projects
from curation.api.paging import by_id, one_of
from curation.models import Job, Project
from curation.services.job_kinds import JOB_KINDS


class JobRow(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "done_n", "total_n", "failures", "next_at", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip


FILTERS = {
    "project": by_id(
        lambda rows, one: rows.filter(project_id__in=Project.objects.filter(public_id=one).values("pk")),
        "id of the project",
    ),
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the job", Job.State.values),
    "kind": one_of(lambda rows, text: rows.filter(kind=text), "what it does", tuple(JOB_KINDS)),
}


def _visible(request: Request) -> Any:
    return Job.objects.filter(project_id__in=projects(request).values("pk"))


class JobList(Door):
    @describe_list(JobRow, FILTERS, "jobs", "Jobs of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, JobRow)


class JobOne(Door):
    @extend_schema(summary="One job", responses=JobRow)
    def get(self, request: Request, job_id: int) -> Response:
        job = _visible(request).filter(pk=job_id).first()
        if job is None:
            raise Http404
        return Response(JobRow(job).data)
