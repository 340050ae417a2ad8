"""A share of what came with boxes is boxed by our own people too; how both agree is told for each source."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.dashboard.asset_story import story
from curation.models import Asset, Consensus, Project
from curation.services import assets, import_audit
from tests.datasets.test_importing import line, lines, pictures
from tests.engine import world

pytestmark = pytest.mark.django_db
THEIRS = {"x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}


def imported(project: Project, folder: Path, share: str = "1") -> dict[str, int]:
    named = [line(f"{seed}.jpg") for seed in (1, 2, 3)]
    for one in named:
        one["boxes"][0]["label"] = world.SIGN
    path = lines(pictures(folder, 1, 2, 3) / "boxes.jsonl", *named)
    out = io.StringIO()
    words = ("--format", "jsonl", "--source", "openset", "--audit", share, "--json")
    call_command("import_dataset", project.slug, str(path), *words, stdout=out)
    return json.loads(out.getvalue())


def told(project: Project) -> list[dict[str, object]]:
    out = io.StringIO()
    call_command("import_dataset", project.slug, "--audits", "--json", stdout=out)
    return json.loads(out.getvalue())["audits"]


@pytest.mark.parametrize(("x", "alike"), [(0.102, 3), (0.6, 0)])
def test_audited_pictures_are_boxed_again_and_keep_the_boxes_they_came_with(tmp_path, x, alike):
    """The file names the sign, our people say "gesture" and mean the sign the picture is of."""
    project = world.campaign()
    done = imported(project, tmp_path / "set")
    assert (done["new"], done["audited"]) == (3, 3)
    assert set(Asset.objects.filter(source="openset").values_list("stage__name", flat=True)) == {"boxes"}
    assert imported(project, tmp_path / "set")["audited"] == 0
    for _ in range(9):
        world.answer(project, "boxes", boxes=[{**THEIRS, "label": "gesture", "x": x}])
    world.work(project)
    (row,) = told(project)
    assert (row["source"], row["sent"], row["compared"], row["alike"]) == ("openset", 3, 3, alike)
    assert row["boxes"] == {"both": alike, "theirs": 3 - alike, "ours": 3 - alike}
    for asset in Asset.objects.filter(source="openset"):
        assert asset.stage.name not in {"boxes", "aggregate"}
        assert Consensus.objects.current().of_boxes().filter(asset=asset)[0].method == "import"
        agreed = story(asset).agreed
        assert agreed is not None
        assert agreed.method == "import"


def test_an_audit_that_breaks_off_is_sent_to_its_end_the_next_time(tmp_path, monkeypatch):
    project = world.campaign(boxes={"labels": [{"name": world.SIGN, "colour": "red"}], "flags": []})
    assert imported(project, tmp_path / "set", "0")["audited"] == 0
    monkeypatch.setattr(import_audit, "AT_ONCE", 2)
    decide, calls = assets.decide_all, []

    def once(**options: Any) -> None:
        calls.append(len(options["moves"]))
        if len(calls) == 2:
            raise OSError("the machine was switched off")
        decide(**options)

    monkeypatch.setattr(assets, "decide_all", once)
    with pytest.raises(OSError, match="switched off"):
        imported(project, tmp_path / "set")
    assert sorted(Asset.objects.values_list("stage__name", flat=True)).count("boxes") == 2
    assert imported(project, tmp_path / "set")["audited"] == 1
    assert calls == [2, 1, 1]
    (row,) = told(project)
    assert row["sent"] == 3


def test_pictures_that_nobody_agrees_on_are_counted(tmp_path):
    project = world.campaign()
    imported(project, tmp_path / "set")
    world.work(project, "boxes")
    for asset in Asset.objects.filter(source="openset"):
        Consensus.objects.create(
            project_id=project.pk,
            asset=asset,
            stage=project.stages.get(kind="aggregate"),
            method="hard-soft-drop",
            status="drop",
            confidence=0.0,
            next_step="review",
            n_answers=5,
        )
    assert [(row["compared"], row["undecided"]) for row in told(project)] == [(0, 3)]


def test_what_does_not_wait_any_more_is_told_and_stays(tmp_path):
    project = world.campaign()
    imported(project, tmp_path / "set", "0")
    Asset.objects.filter(source="openset").update(state=Asset.State.PUBLISHED)
    done = imported(project, tmp_path / "set")
    assert (done["audited"], done["audit_too_late"]) == (0, 3)
    assert set(Asset.objects.values_list("state", flat=True)) == {"published"}


def test_without_a_share_nobody_is_asked_and_a_wrong_one_is_refused(tmp_path):
    project = world.campaign()
    assert imported(project, tmp_path / "set", "0")["audited"] == 0
    assert told(project) == []
    with pytest.raises(CommandError, match="a share from 0 to 1, not 7"):
        imported(project, tmp_path / "set", "7")
