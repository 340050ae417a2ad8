"""A project with published pictures whose files, boxes and truth are known."""

import io
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from curation.models import Asset, Consensus, ConsensusBox, LabelClass, Project, User
from tests.factories import make_asset, make_project, make_user


def photo(seed: int, size: tuple[int, int] = (320, 200), **save: Any) -> bytes:
    """Draw a noisy JPEG of width x height."""
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1] // 8, size[0] // 8, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(out, "JPEG", quality=90, **save)
    return out.getvalue()


def phone_exif() -> bytes:
    """EXIF of a telephone held upright in Moscow."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Pocket"
    exif.get_ifd(0x8825).update({1: "N", 2: (55.0, 45.0, 0.0), 3: "E", 4: (37.0, 37.0, 0.0)})
    return exif.tobytes()


def publish(project: Project, data: bytes, boxes: list[tuple[str, float]], **fields: Any) -> Asset:
    """Publish a picture with one consensus box for each (label, left edge)."""
    key = default_storage.save("originals/x", ContentFile(data))
    asset = make_asset(project, storage_key=key, **{"width": 320, "height": 200, **fields})
    stage = project.stages.get(kind="validate")
    common = {"project_id": project.pk, "asset": asset, "stage": stage, "confidence": 0.9, "n_answers": 3}
    agreed = Consensus.objects.create(**common, method="hard-soft-drop", status="hard")
    for seq, (label, x) in enumerate(boxes):
        ConsensusBox.objects.create(
            consensus=agreed, seq=seq, label=label, x=x, y=0.25, w=0.25, h=0.5, confidence=0.8, support=[]
        )
    return asset


@pytest.fixture
def alice(db: None) -> User:
    return make_user("Alice")


@pytest.fixture
def project(alice: User) -> Project:
    """Classes peace (0) and no_gesture (5); a turned telephone photo, two others, one of them without hands."""
    project = make_project(lead=alice)
    LabelClass.objects.create(project=project, index=5, name="no_gesture", is_negative=True)
    publish(project, photo(1), [("gesture", 0.1), ("no gesture", 0.6)])
    publish(project, photo(2, (200, 320), exif=phone_exif()), [("gesture", 0.2)], width=320, height=200)
    publish(project, photo(3), [])
    make_asset(project, Asset.State.DROPPED, reason="same_photo")
    return project
