"""Accounts that share pictures: connected by proven copies of each other's photos, shown with them."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Subquery

from crowd.clock import database_now
from crowd.models import Evidence, Worker
from crowd.services import trust
from curation.models import Asset, Project

PROVEN = ("same_file", "same_photo")
PAIRS_SHOWN = 4
MOST_READ = 50_000


@dataclass(frozen=True, slots=True)
class SharedPicture:
    """A picture, the same one sent earlier from another account, and who sent them."""

    asset: UUID
    other: UUID
    worker: Worker
    sender: Worker
    kind: str


@dataclass(frozen=True, slots=True)
class RingMember:
    worker: Worker
    copied: int  # pictures of others he sent again
    lent: int  # of his pictures that others sent again
    banned: bool


@dataclass(frozen=True, slots=True)
class Ring:
    members: tuple[RingMember, ...]
    pictures: int
    shared: tuple[SharedPicture, ...]

    @property
    def ids(self) -> list[int]:
        return [member.worker.pk for member in self.members]


def rings(*, project: Project) -> list[Ring]:
    """Return the groups of accounts that proven copies connect, the one with the most copies first.

    One shared picture connects two accounts; accounts of one person are one. The newest 50,000 copies are read.
    """
    copies = _copies(project)
    people = Worker.objects.select_related("account").in_bulk(
        {row["worker_id"] for row in copies} | {row["sender"] for row in copies}
    )
    between = [row for row in copies if row["sender"] in people and _differ(people, row)]
    groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
    leader = _connected([(row["worker_id"], row["sender"]) for row in between])
    for row in between:
        groups[leader[row["worker_id"]]].append(row)
    bans = trust.bans_in(project_id=project.pk, now=database_now()).filter(worker_id__in=list(leader))
    banned = set(bans.values_list("worker_id", flat=True))
    found = [_ring(rows, people, banned) for rows in groups.values()]
    return sorted(found, key=lambda ring: (-ring.pictures, ring.members[0].worker.pk))


def _copies(project: Project) -> list[dict[str, Any]]:
    item, other = Asset.objects.filter(pk=OuterRef("item_id")), Asset.objects.filter(pk=OuterRef("other_item_id"))
    rows = (
        Evidence.objects.filter(
            project_id=project.pk, kind__in=PROVEN, overturned_at__isnull=True, other_item_id__isnull=False
        )
        .annotate(
            asset=Subquery(item.values("public_id")[:1]),
            other=Subquery(other.values("public_id")[:1]),
            sender=Subquery(other.values("worker_id")[:1]),
        )
        .filter(sender__isnull=False)
        .exclude(sender=F("worker_id"))
        .order_by("-id")
    )
    return [dict(row) for row in rows.values("worker_id", "sender", "asset", "other", "kind")[:MOST_READ]]


def _differ(people: dict[int, Worker], row: dict[str, Any]) -> bool:
    one, two = people[row["worker_id"]], people[row["sender"]]
    return one.person_id is None or one.person_id != two.person_id


def _connected(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Return the smallest member of its component for each node (union-find)."""
    parent: dict[int, int] = {}

    def root(node: int) -> int:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for one, two in edges:
        low, high = sorted((root(one), root(two)))
        parent[high] = low
    return {node: root(node) for node in list(parent)}


def _ring(rows: list[dict[str, Any]], people: dict[int, Worker], banned: set[int]) -> Ring:
    copied: dict[int, int] = defaultdict(int)
    lent: dict[int, int] = defaultdict(int)
    for row in rows:
        copied[row["worker_id"]] += 1
        lent[row["sender"]] += 1
    members = [RingMember(people[pk], copied[pk], lent[pk], pk in banned) for pk in {*copied, *lent}]
    shared = [
        SharedPicture(row["asset"], row["other"], people[row["worker_id"]], people[row["sender"]], row["kind"])
        for row in rows[:PAIRS_SHOWN]
    ]
    return Ring(
        members=tuple(sorted(members, key=lambda one: (-one.copied, one.worker.pk))),
        pictures=len(rows),
        shared=tuple(shared),
    )
