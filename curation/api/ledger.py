"""The ledger: every movement of money, append-only. Amounts are text, each in its own currency."""

from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.models import Account, LedgerEntry
from curation.api.description import describe_list, describe_one
from curation.api.doors import PROJECT, Door, found, listing, project_ids, single
from curation.api.fields import Amount, Pseudonym
from curation.api.paging import Filter, by_number, by_time, one_of
from curation.models import Pool, Project, Stage, User
from curation.services.pseudonyms import digest_of


class LedgerRow(serializers.ModelSerializer[LedgerEntry]):
    project = serializers.UUIDField(source="project_uuid")
    amount = Amount(source="amount_micro", help_text="in `currency`; always above zero, the books say which way")
    stage = serializers.CharField(source="stage_name", allow_null=True)
    pool = serializers.IntegerField(source="pool_id", allow_null=True)
    pool_name = serializers.CharField(source="pool_title", allow_null=True)
    account = serializers.CharField(source="account_label", allow_null=True)
    worker = Pseudonym(source="worker_digest", allow_null=True)
    reference = serializers.CharField(source="ref", help_text="what it is for: assignment:ID, batch:ID, bonus:ID, …")
    by = serializers.CharField(source="by_name", allow_null=True, help_text="the person, where one moved it by hand")

    class Meta:
        model = LedgerEntry
        fields = [
            "id", "project", "kind", "source", "target", "amount", "currency", "stage", "pool", "pool_name", "account",
            "worker", "worker_id", "reference", "by", "note", "created_at",
        ]  # fmt: skip


FILTERS = {
    "project": PROJECT,
    "kind": one_of(lambda rows, text: rows.filter(kind=text), "kind of movement", LedgerEntry.Kind.values),
    "currency": Filter(lambda rows, text: rows.filter(currency=text), "such as USD"),
    "stage": Filter(
        lambda rows, text: rows.filter(stage_id__in=Stage.objects.filter(name=text).values("pk")), "name of the stage"
    ),
    "pool": by_number(lambda rows, one: rows.filter(pool_id=one), "id of the pool"),
    "worker": by_number(lambda rows, one: rows.filter(worker_id=one), "`worker_id` of who was paid"),
    "since": by_time(lambda rows, moment: rows.filter(created_at__gte=moment), "from this time on"),
    "until": by_time(lambda rows, moment: rows.filter(created_at__lt=moment), "before this time"),
}


def _visible(request: Request) -> Any:
    def named(rows: QuerySet[Any], key: str, name: str) -> Subquery:
        return Subquery(rows.filter(pk=OuterRef(key)).order_by().values(name)[:1])

    return LedgerEntry.objects.filter(project_id__in=project_ids(request)).annotate(
        project_uuid=named(Project.objects.all(), "project_id", "public_id"),
        stage_name=named(Stage.objects.all(), "stage_id", "name"),
        pool_title=named(Pool.objects.all(), "pool_id", "title"),
        account_label=named(Account.objects.all(), "account_id", "label"),
        by_name=named(User.objects.all(), "by_id", "name"),
        worker_digest=digest_of("worker_id"),
    )


class LedgerList(Door):
    @describe_list(LedgerRow, FILTERS, "ledger", "Movements of money")
    def get(self, request: Request) -> Response:
        return listing(request, _visible(request), FILTERS, LedgerRow)


class LedgerOne(Door):
    @describe_one(LedgerRow, "One movement of money")
    def get(self, request: Request, entry_id: int) -> Response:
        return single(request, LedgerRow, LedgerRow(found(_visible(request), pk=entry_id)).data)
