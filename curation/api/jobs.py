"""Jobs of your projects: what is under way, how far, what failed."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, listing, project_ids, single
from curation.api.paging import one_of
from curation.models import Job
from curation.services.job_kinds import JOB_KINDS


class JobRow(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = [
            "id", "kind", "state", "done_n", "total_n", "failures", "next_at", "created_at", "started_at",
            "finished_at",
        ]  # fmt: skip


FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the job", Job.State.values),
    "kind": one_of(lambda rows, text: rows.filter(kind=text), "what it does", tuple(JOB_KINDS)),
}


def _visible(request: Request) -> Any:
    return Job.objects.filter(project_id__in=project_ids(request))


class JobList(Door):
    @describe_list(JobRow, FILTERS, "jobs", "Jobs of your projects")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, JobRow)


class JobOne(Door):
    @describe_one(JobRow, "One job")
    def get(self, request: Request, job_id: int) -> Response:
        return single(request, JobRow, JobRow(found(_visible(request), pk=job_id)).data)
