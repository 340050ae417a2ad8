"""How long the quality page takes over 1,000 images of four answers each. `make bench` runs it.

The first request computes everything, the next ones of the same version do not.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

IMAGES, ANSWERS, PEOPLE, JUDGED = 1_000, 4, 60, 200
AIM_FIRST, AIM_NEXT = 6.0, 0.25


def images_of(project: Any) -> list[Any]:
    from curation.models import Asset

    stage, label = project.stages.get(kind="publish"), project.classes.first()
    rows = [
        Asset(
            project=project,
            stage=stage,
            state=Asset.State.PUBLISHED,
            label_class=label,
            width=1920,
            height=1080,
            sha256=hashlib.sha256(b"%d" % n).digest(),
            storage_key=f"{n}.jpg",
        )
        for n in range(IMAGES)
    ]
    return Asset.objects.bulk_create(rows)


def answers_to(project: Any, images: Sequence[Any], rng: random.Random) -> None:
    """Let everybody draw two boxes a little aside; one answer in twenty lacks one."""
    from curation.models import Box
    from tests import scenes
    from tests.bench.ground import bare_answers

    stage = project.stages.get(kind="boxes")
    notes = bare_answers(stage, images, people=PEOPLE, answers=ANSWERS, rng=rng)
    Box.objects.bulk_create(
        Box(
            annotation=note,
            seq=seq,
            label=label,
            x=x + rng.gauss(0, 0.004),
            y=y + rng.gauss(0, 0.006),
            w=w,
            h=h,
        )
        for note in notes
        for seq, (label, x, y, w, h) in enumerate(scenes.TWO_HANDS[: 1 if rng.random() < 0.05 else 2])
    )


def agreed(project: Any, images: Sequence[Any]) -> list[Any]:
    from curation.models import Consensus, ConsensusBox
    from tests import scenes

    stage = project.stages.get(kind="aggregate")
    rows = Consensus.objects.bulk_create(
        Consensus(
            project_id=project.pk,
            asset=image,
            stage=stage,
            method="hard-soft-drop",
            status=Consensus.Status.HARD,
            confidence=0.9,
            n_answers=ANSWERS,
        )
        for image in images
    )
    ConsensusBox.objects.bulk_create(
        ConsensusBox(consensus=row, seq=seq, label=label, x=x, y=y, w=w, h=h, confidence=0.9)
        for row in rows
        for seq, (label, x, y, w, h) in enumerate(scenes.TWO_HANDS)
    )
    return rows


def reviewed(project: Any, consensus: Sequence[Any]) -> None:
    from curation.models import Decision, Review
    from tests import scenes

    stage, rita = project.stages.get(kind="review"), scenes.person("Rita")
    Decision.objects.bulk_create(
        Decision(
            project_id=project.pk,
            asset_id=row.asset_id,
            stage=stage,
            verdict="held" if n < JUDGED else "passed",
            reason=("sample" if n % 2 else "unsure") if n < JUDGED else "",
            by_kind="rule",
        )
        for n, row in enumerate(consensus)
    )
    Review.objects.bulk_create(
        Review(
            project_id=project.pk,
            key=uuid.UUID(int=row.pk),
            asset_id=row.asset_id,
            consensus=row,
            by=rita,
            verdict="reject" if n % 20 == 0 else "accept",
            reason="misplaced" if n % 20 == 0 else "",
            duration_ms=1_800,
        )
        for n, row in enumerate(consensus[:JUDGED])
    )


def timed(client: Any, address: str) -> float:
    start = time.perf_counter()
    assert client.get(address).status_code == 200
    return time.perf_counter() - start


def measure() -> dict[str, Any]:
    from django.test import Client
    from django.urls import reverse

    from tests import scenes

    project = scenes.project(Rita="reviewer")
    images = images_of(project)
    answers_to(project, images, random.Random(7))
    reviewed(project, agreed(project, images))
    client = Client()
    client.force_login(scenes.person("Rita"))
    timed(client, reverse("project", args=[project.public_id]))
    address = reverse("quality", args=[project.public_id])
    before = time.process_time()
    first = timed(client, address)
    cpu = time.process_time() - before
    following = sorted(timed(client, address) for _ in range(11))[5]
    return {"images": IMAGES, "answers": IMAGES * ANSWERS, "first_s": first, "first_cpu_s": cpu, "next_s": following}


def main() -> int:
    from tests.bench.ground import database

    with tempfile.TemporaryDirectory() as folder, database(folder):
        from django.conf import settings

        settings.ALLOWED_HOSTS = ["testserver"]
        found = measure()
    print(f"quality page, {found['images']:,} images, {found['answers']:,} answers, {os.cpu_count()} cores")
    print(
        f"  first request {found['first_s']:.2f} s, {found['first_cpu_s']:.2f} of them ours (at most {AIM_FIRST:g} s)"
    )
    print(f"  the next {found['next_s'] * 1000:.0f} ms")
    target = ROOT / "var" / "bench" / "quality.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps({**found, "machine": platform.machine()}, indent=2))
    return int(found["first_s"] > AIM_FIRST or found["next_s"] > AIM_NEXT)


if __name__ == "__main__":
    raise SystemExit(main())
