"""Rings: accounts joined by pictures that one sent after the other, or by the same wrong answers.

A shared picture may be a mistake and people may err together, so nothing follows by itself: a person looks at the
evidence and decides.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import F, OuterRef, Subquery

from crowd.clock import database_now
from crowd.models import Evidence, Task, Worker
from crowd.quality import collusion
from crowd.services import trust
from crowd.services.control_stock import picture_of
from curation.models import Asset, Project, WrongTogether

PROVEN = ("same_file", "same_photo")
PAIRS_SHOWN = 4
MOST_READ = 50_000
WRONGS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class SharedPicture:
    """A picture, the same one sent earlier from another account, and who sent them."""

    asset: UUID
    other: UUID
    worker: Worker
    sender: Worker
    kind: str


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """A wrong answer that two gave alike; `asset` or the address of a picture is where it can be looked at."""

    answer: str
    right: str
    asset: UUID | None
    picture: str


@dataclass(frozen=True, slots=True)
class WrongPair:
    """Two accounts that answer wrongly together, the numbers in words, and some of the answers."""

    one: Worker
    other: Worker
    stage: str
    alike: int
    says: str
    evidence: tuple[Mapping[str, Any], ...]
    answers: tuple[WrongAnswer, ...] = ()


@dataclass(frozen=True, slots=True)
class RingMember:
    worker: Worker
    copied: int  # pictures of others he sent again
    lent: int  # of his pictures that others sent again
    wrongs: int  # others of the ring he answers wrongly together with
    banned: bool

    @property
    def is_at_it(self) -> bool:
        """Whether the account did something; who only sent a photo first may not know of the others."""
        return bool(self.copied or self.wrongs)


@dataclass(frozen=True, slots=True)
class Ring:
    members: tuple[RingMember, ...]
    pictures: int
    pairs: int
    shared: tuple[SharedPicture, ...]
    wrongs: tuple[WrongPair, ...]

    @property
    def has_somebody_to_ban(self) -> bool:
        return not all(member.banned for member in self.members)

    @property
    def ids(self) -> list[int]:
        return [member.worker.pk for member in self.members]


def rings(*, project: Project) -> list[Ring]:
    """Return the groups of accounts that copies or same wrong answers connect, the one with the most of both first.

    One shared picture connects two accounts; accounts of one person are one. The newest 50,000 copies are read.
    """
    copies, wrongs = _copies(project), _wrongs(project)
    people = Worker.objects.select_related("account").in_bulk(
        {row["worker_id"] for row in copies}
        | {row["sender"] for row in copies}
        | {pk for row in wrongs for pk in (row.one_id, row.other_id)}
    )
    between = [row for row in copies if row["sender"] in people and _differ(people, row)]
    edges = [(row["worker_id"], row["sender"]) for row in between] + [(row.one_id, row.other_id) for row in wrongs]
    leader = collusion.rings(edges)
    parts: dict[int, tuple[list[dict[str, Any]], list[WrongTogether]]] = defaultdict(lambda: ([], []))
    for row in between:
        parts[leader[row["worker_id"]]][0].append(row)
    for pair in wrongs:
        parts[leader[pair.one_id]][1].append(pair)
    bans = trust.bans_in(project_id=project.pk, now=database_now()).filter(worker_id__in=list(leader))
    banned = set(bans.values_list("worker_id", flat=True))
    found = [_ring(rows, pairs, people, banned) for rows, pairs in parts.values()]
    return sorted(found, key=lambda ring: (-ring.pictures - ring.pairs, ring.members[0].worker.pk))


def with_answers(rings: Sequence[Ring]) -> list[Ring]:
    """Return rings with the wrong answers of their surest pairs, for those that are shown."""
    pictures = _Pictures.of([one for ring in rings for pair in ring.wrongs for one in pair.evidence])
    return [
        replace(ring, wrongs=tuple(replace(pair, answers=pictures.answers(pair)) for pair in ring.wrongs))
        for ring in rings
    ]


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


def _wrongs(project: Project) -> list[WrongTogether]:
    return list(WrongTogether.objects.filter(project_id=project.pk).select_related("stage").order_by("p_value", "id"))


def _ring(rows: list[dict[str, Any]], pairs: list[WrongTogether], people: dict[int, Worker], banned: set[int]) -> Ring:
    copied: dict[int, int] = defaultdict(int)
    lent: dict[int, int] = defaultdict(int)
    wrongs: dict[int, int] = defaultdict(int)
    for row in rows:
        copied[row["worker_id"]] += 1
        lent[row["sender"]] += 1
    for pair in pairs:
        wrongs[pair.one_id] += 1
        wrongs[pair.other_id] += 1
    everybody = {*copied, *lent, *wrongs}
    members = [RingMember(people[pk], copied[pk], lent[pk], wrongs[pk], pk in banned) for pk in everybody]
    shared = [
        SharedPicture(row["asset"], row["other"], people[row["worker_id"]], people[row["sender"]], row["kind"])
        for row in rows[:PAIRS_SHOWN]
    ]
    return Ring(
        members=tuple(sorted(members, key=lambda one: (-one.copied - one.wrongs, one.worker.pk))),
        pictures=len(rows),
        pairs=len(pairs),
        shared=tuple(shared),
        wrongs=tuple(_pair(pair, people) for pair in pairs[:PAIRS_SHOWN]),
    )


def _pair(row: WrongTogether, people: dict[int, Worker]) -> WrongPair:
    says = collusion.sentence(alike=row.alike, shared=row.shared, chance=row.chance, p=row.p_value)
    return WrongPair(
        one=people[row.one_id],
        other=people[row.other_id],
        stage=row.stage.title,
        alike=row.alike,
        says=f"{says}.",
        evidence=tuple(row.evidence[:WRONGS_SHOWN]),
    )


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Where the tasks of the shown pairs can be looked at."""

    assets: dict[int, UUID]
    tasks: dict[int, Task]

    @classmethod
    def of(cls, shown: Sequence[Mapping[str, Any]]) -> "_Pictures":
        assets = Asset.objects.filter(pk__in=[one["asset"] for one in shown if one["asset"]])
        tasks = Task.objects.in_bulk([one["task"] for one in shown if one["task"]])
        return cls(dict(assets.values_list("pk", "public_id")), tasks)

    def answers(self, pair: WrongPair) -> tuple[WrongAnswer, ...]:
        return tuple(self._answer(one) for one in pair.evidence)

    def _answer(self, one: Mapping[str, Any]) -> WrongAnswer:
        task = self.tasks.get(one["task"] or 0)
        return WrongAnswer(
            answer=one["answer"],
            right=one["right"],
            asset=self.assets.get(one["asset"] or 0),
            picture=picture_of(task) if task else "",
        )
