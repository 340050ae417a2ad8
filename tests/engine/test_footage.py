"""Clips of cameras: they say where and when, frames get their own hour, queries and counts know it."""

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from crowd.clock import database_now
from crowd.rehearsal import footage
from curation.engine import rehearsal_footage
from curation.engine.wish import Wish
from curation.management.commands.rehearse import as_text
from curation.models import Asset, Project
from curation.services import clips, ingest, tag_counts
from curation.services.asset_query import Query, matching, parse
from curation.services.clips import BadClip, Clip
from tests.factories import make_project

pytestmark = pytest.mark.django_db
GATE = Clip("gate-1", "gate", datetime.fromisoformat("2026-01-05T07:59:30+01:00"))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "gate.mp4"
    path.write_bytes(footage.encoded(footage.clip(1, 0), 1))
    return path


@pytest.fixture
def project() -> Project:
    return make_project()


def names(project: Project, query: str) -> list[int]:
    found = matching(parse(query), project=project).exclude(frame_index=None)
    return sorted(found.values_list("frame_index", flat=True))


def test_frames_keep_their_order_and_have_the_hour_of_their_own_moment(project, clip):
    ingest.ingest(project=project, sources=[str(clip)], clip=GATE, now=database_now())
    assert names(project, 'tag:"camera: gate-1"') == list(range(0, 300, 10))
    assert names(project, 'tag:"hour: 07"') == list(range(0, 150, 10))
    assert names(project, 'tag:"hour: 08" tag:"location: gate" tag:"day: Monday"') == list(range(150, 300, 10))
    counts = {(one.key, one.value): (one.n, one.share) for one in tag_counts.counted(project, parse('tag:"hour: 08"'))}
    assert counts["hour", "08"] == (15, 1.0)
    assert {(one.key, one.value): one.share for one in tag_counts.counted(project, Query())}["hour", "07"] == 0.5


def test_what_is_said_later_reaches_the_frames_that_are_there_and_is_said_once(project, clip):
    ingest.ingest(project=project, sources=[str(clip)], now=database_now())
    assert names(project, 'tag:"camera: gate-1"') == []
    for _ in range(2):
        ingest.ingest(project=project, sources=[str(clip)], clip=GATE, now=database_now())
    video = Asset.objects.get(project=project, media="video")
    assert not clips.note(asset=video, clip=Clip("another"))
    assert len(names(project, 'tag:"camera: gate-1"')) == 30
    assert names(project, 'tag:"camera: another"') == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"camera": 'a"b'}, "camera has at most 60 characters, without quotes"),
        ({"location": "x" * 61}, "location has at most 60 characters"),
        ({"started_at": "yesterday"}, "started_at is a time with its offset, such as 2026-01-05T08:10:00"),
        ({"started_at": "2026-01-05T08:10:00"}, "started_at is a time with its offset"),
    ],
)
def test_what_cannot_be_said_of_a_clip_is_named(said, sentence):
    with pytest.raises(BadClip, match=sentence):
        Clip.read(said)
    assert Clip.read({"camera": " "}) is None


def test_a_rehearsal_of_footage_finds_what_moves_and_counts_it():
    out = StringIO()
    words = ["--size", "2", "--seed", "3", "--set", 'tag.taggers=["light"]', "--json"]
    call_command("rehearse", "camera-footage", *words, stdout=out)
    document = json.loads(out.getvalue())
    assert [row["stage"] for row in document["funnel"]] == ["checks", "tag", "publish"]
    (layer,) = document["layers"]
    assert (layer["tagger"], layer["in"], layer["passed"]) == ("motion", 60, document["quality"]["delivered"])
    assert document["quality"]["label_accuracy"] > 0.9
    assert document["tags"]["camera: gate-1"] == 0.5
    assert 0 < document["tags"]["motion: yes"] < 0.7
    told = as_text(document)
    assert "motion    60 in" in told
    assert "camera: gate-1  50.0%" in told
    assert "workers" not in told  # nobody was asked


def test_a_clip_is_worked_on_whole_however_long_the_ones_before_took(monkeypatch):
    """The rehearsal began 55 s ago: as of a minute after that, the clip's last frame would be seconds old."""
    began = iter([database_now() - timedelta(seconds=55)])
    monkeypatch.setattr(rehearsal_footage, "database_now", lambda: next(began, None) or database_now())
    document = rehearsal_footage.rehearse_footage(wish=Wish("camera-footage", 3, 1, {"tag": {"taggers": ["light"]}}))
    tagged = next(row for row in document["funnel"] if row["stage"] == "tag")
    assert tagged["passed"] + tagged["dropped"] == tagged["in"] == 30
