"""Small worlds for tests of people's work: a project with its team, images at review, work for in-house workers."""

import hashlib
import io
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from crowd.models import Answer, Assignment, Batch, Skill, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal.pictures import Picture, scene
from crowd.services import invitations, ledger
from curation.models import (
    Annotation,
    Asset,
    AssetPreview,
    Box,
    Consensus,
    ConsensusBox,
    Membership,
    Project,
    Stage,
    User,
)

KINDS = ("collect", "checks", "validate", "boxes", "aggregate", "review", "publish")
LABELS = [{"name": "gesture", "colour": "red"}, {"name": "no gesture", "colour": "green"}]
OPTIONS = [
    {"value": "correct", "label": "Yes", "tone": "good"},
    {"value": "incorrect", "label": "No", "tone": "bad"},
    {"value": "rotated", "label": "Rotated", "tone": "plain"},
]


def person(name: str) -> User:
    user, _ = User.objects.get_or_create(email=f"{name.lower()}@example.org", defaults={"name": name})
    return user


def project(**roles: str) -> Project:
    """A gestures project; `project(Rita="reviewer")` names its team. Alice always leads."""
    row = Project.objects.create(
        name="Hand gestures", slug=f"gestures-{Project.objects.count()}", recipe="gestures", created_by=person("Alice")
    )
    row.refresh_from_db()
    for name, role in {"Alice": "lead", **roles}.items():
        Membership.objects.create(project=row, user=person(name), role=role)
    for position, kind in enumerate(KINDS):
        Stage.objects.create(project=row, position=position, kind=kind, name=kind, title=kind.capitalize())
    row.classes.create(index=0, name="peace", prompt="Index and middle finger form a V")
    ledger.create_budget(project_id=row.pk, limit_micro=500_000_000)
    return row


def worker(name: str, skill: Skill | None = None, value: int = 95) -> Worker:
    ext_id = f"in-{name.lower()}"
    row, _ = Worker.objects.get_or_create(
        account=invitations.inhouse_account(), ext_digest=digest_of(ext_id), defaults={"ext_id": ext_id, "name": name}
    )
    if skill is not None:
        SkillValue.objects.get_or_create(worker=row, skill=skill, defaults={"value": value})
    return row


def batch(row: Project, interface: str, **fields: Any) -> Batch:
    """Open in-house work of the stage that asks for this interface."""
    stage = row.stages.get(kind=STAGE_OF.get(interface, "collect"))
    spec: dict[str, Any] = {"kind": interface, "title": TITLES[interface], "instructions": ["The whole hand is in it"]}
    spec |= {
        "choice": {"options": OPTIONS},
        "pair": {"options": SIDES},
        "boxes": {"labels": LABELS, "flags": FLAGS},
        "outlines": {"labels": LABELS, "flags": FLAGS},
    }.get(interface, {})
    return Batch.objects.create(
        account=invitations.inhouse_account(),
        key=f"{row.slug}-{interface}-{Batch.objects.count()}",
        project_id=row.pk,
        pool_id=0,
        stage_id=stage.pk,
        interface=interface,
        spec=spec,
        state=Batch.State.OPEN,
        **{"kind": Batch.Kind.MAIN, "price_micro": 20_000, "overlap": 3, **fields},
    )


STAGE_OF = {"choice": "validate", "pair": "validate", "text": "validate", "boxes": "boxes", "outlines": "boxes"}
SIDES = [
    {"value": "photo", "label": "Photo"},
    {"value": "example", "label": "Example"},
    {"value": "same", "label": "The same"},
]
TITLES = {
    "photo": "Show this sign: peace",
    "link": "Film this sign: peace",
    "choice": "Is this the sign?",
    "pair": "Which one is clearer?",
    "text": "What is in the picture?",
    "boxes": "Box every hand",
    "outlines": "Outline every hand",
}
FLAGS = [{"value": "no_hands", "label": "No hands"}]


def picture(seed: str = "one", sign: str = "peace", size: tuple[int, int] = (1920, 1080)) -> Picture:
    return scene(seed, sign, width=size[0], height=size[1], second_hand=True)


def jpeg(seed: str = "one", size: tuple[int, int] = (1920, 1080)) -> bytes:
    data = io.BytesIO()
    picture(seed, size=size).image.save(data, "JPEG", quality=85)
    return data.getvalue()


def stored(data: bytes, name: str = "scene.jpg") -> str:
    return default_storage.save(name, ContentFile(data))


def task(of: Batch, key: str, *, image: str = "", known: str = "", item_id: int | None = None, hint: str = "") -> Task:
    payload = {"class": "peace", "prompt": "Two fingers form a V", "template_key": image, "width": 1920, "height": 1080}
    if of.interface not in {"photo", "link"}:
        payload["image_key"] = image
    return Task.objects.create(
        batch=of,
        key=key,
        project_id=of.project_id,
        item_id=item_id,
        payload=payload,
        known_answer={"answer": known} if known else None,
        hint=hint,
        overlap=None if known else of.overlap,
    )


Rect = tuple[str, float, float, float, float]
TWO_HANDS: Sequence[Rect] = (("gesture", 0.6, 0.2, 0.09, 0.25), ("no gesture", 0.15, 0.55, 0.11, 0.22))


def image_at_review(
    row: Project, boxes: Batch, *, seed: str = "one", confidence: float = 0.7, data: bytes = b"", spread: float = 0.01
) -> Asset:
    """An image that three workers boxed and the aggregation found shaky, held for a person."""
    asset = _asset(row, data or seed.encode(), seed)
    what = task(boxes, f"asset-{asset.pk}", item_id=asset.pk)
    answers = [_boxed(asset, what, name, at * spread) for at, name in enumerate(("Walt", "Wes", "Wilma"))]
    names = [f"{letter} {answer.worker.short_id}" for letter, answer in zip("ABC", answers, strict=True)]
    agreed = Consensus.objects.create(
        project_id=row.pk,
        asset=asset,
        stage=row.stages.get(kind="aggregate"),
        method="hard-soft-drop",
        status=Consensus.Status.SOFT,
        confidence=confidence,
        lowest_iou=confidence,
        n_answers=3,
        used=names[:2],
        dropped=names[2:],
        trace=["hard: 3 answers, IoU 0.62 under 0.70", f"soft: without {names[2]} the others agree"],
    )
    ConsensusBox.objects.bulk_create(
        ConsensusBox(consensus=agreed, seq=n, label=r[0], x=r[1], y=r[2], w=r[3], h=r[4], confidence=confidence)
        for n, r in enumerate(TWO_HANDS)
    )
    return asset


def _asset(row: Project, data: bytes, seed: str) -> Asset:
    key = stored(data)
    asset = Asset.objects.create(
        project=row,
        stage=row.stages.get(kind="review"),
        state=Asset.State.HELD,
        reason="unsure",
        name=f"{seed}.jpg",
        label_class=row.classes.first(),
        width=1920,
        height=1080,
        sha256=hashlib.sha256(data + seed.encode()).digest(),
        storage_key=key,
    )
    AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    asset.refresh_from_db()
    return asset


def _boxed(asset: Asset, what: Task, name: str, shift: float) -> Answer:
    who, now = worker(name), timezone.now()
    page = Assignment.objects.create(
        account=who.account,
        ext_id=f"{what.key}-{name}",
        ext_digest=digest_of(f"{what.batch_id}-{what.key}-{name}"),
        batch=what.batch,
        project_id=what.project_id,
        worker=who,
        state=Assignment.State.ACCEPTED,
        issued_at=now,
        lease_until=now + timedelta(minutes=30),
        processed_at=now,
    )
    answer = Answer.objects.create(assignment=page, task=what, worker=who)
    note = Annotation.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage_id=what.batch.stage_id,
        answer_id=answer.pk,
        worker_id=who.pk,
        kind=Annotation.Kind.BOXES,
    )
    Box.objects.bulk_create(
        Box(annotation=note, seq=n, label=r[0], x=r[1] + shift, y=r[2] - shift, w=r[3], h=r[4])
        for n, r in enumerate(TWO_HANDS)
    )
    Task.objects.filter(pk=what.pk).update(issued=3, done=3)
    return answer
