"""What the guides say is there, and what they show works: their examples are taken out of them and run."""

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from django.core.management import call_command, get_commands
from django.db.models import F

from aggregation import BOX_METHODS, Box, BoxAnswer, ImageAnswers, aggregate_boxes
from crowd.clock import database_now
from curation.datasets.formats import registry as formats
from curation.datasets.formats.base import BoxRecord, Counts, ImageRecord, LabelClass
from curation.datasets.formats.receipt import make_receipt
from curation.engine import flow
from curation.models import Stage
from curation.preprocessing.taggers import registry as taggers
from curation.preprocessing.taggers.base import Tagger
from curation.stages import registry as stages
from tests.factories import make_asset, make_project
from tests.preprocessing.test_taggers import views

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
QUICK = {"ruff", "djlint"}  # the import contracts have a test of their own
BLOCK = r"^{indent}```{language}\n(.*?)^{indent}```"


def blocks(guide: str, language: str) -> list[str]:
    text = (ROOT / "docs" / guide).read_text(encoding="utf-8")
    return re.findall(BLOCK.format(indent="", language=language), text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shown(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The last example of the guide that the test names, as a module that can be named by its path."""
    module = ModuleType("shown")
    monkeypatch.setitem(sys.modules, "shown", module)
    exec(blocks(request.param, "python")[-1], module.__dict__)  # noqa: S102  our own guide
    return module


def of(guide: str) -> Any:
    return pytest.mark.parametrize("shown", [guide], indirect=True)


@of("stages.md")
@pytest.mark.django_db
def test_the_stage_kind_that_the_guide_shows_sorts_what_waits(shown, monkeypatch, request):
    monkeypatch.setitem(stages.STAGE_KINDS, "names", "shown:Names")
    stages.stage_kind.cache_clear()
    request.addfinalizer(stages.stage_kind.cache_clear)
    project = make_project()
    Stage.objects.filter(project=project).update(position=10 * F("position"))
    stage = Stage.objects.create(project=project, position=5, kind="names", name="drafts", title="No drafts")
    kept, dropped = (make_asset(project, "waiting", stage="names", name=name) for name in ("one.jpg", "two-draft.jpg"))
    assert flow.work_stage(stage=stage, now=database_now()) is False
    kept.refresh_from_db()
    dropped.refresh_from_db()
    assert (dropped.stage, dropped.state, dropped.reason) == (stage, "dropped", "not_selected")
    assert kept.stage.position == 10
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        shown.Names.Settings.model_validate({"no_such_setting": 1})


@of("formats.md")
def test_the_writer_that_the_guide_shows_writes_all_it_is_given(shown, monkeypatch, tmp_path):
    monkeypatch.setattr(formats, "WRITERS", {"numbers": "shown:NumbersWriter"})
    records = [
        ImageRecord("a.jpg", 100, 100, (BoxRecord(0, 1, 1, 5, 5), BoxRecord(0, 9, 9, 5, 5))),
        ImageRecord("b.jpg", 100, 100),
    ]
    counts = formats.writer("numbers").write(
        tmp_path / "out", [LabelClass(0, "hand")], iter(records), lambda one: one.file_name.encode()
    )
    assert counts == Counts(2, 2, 1)
    assert make_receipt(tmp_path / "out", "numbers", expected=counts, written=counts).files
    assert (tmp_path / "out" / "numbers.txt").read_text() == "a.jpg\t2\nb.jpg\t0\n"


def test_the_method_that_the_guide_shows_agrees_on_what_people_drew(monkeypatch):
    source = next(text for text in blocks("aggregation.md", "python") if "Clusters(" in text)
    told: dict[str, Any] = {}
    exec(source, told)  # noqa: S102  our own guide
    monkeypatch.setitem(BOX_METHODS, "fused-median", told["fused_median"])
    box = Box(10, 10, 50, 40, "hand")
    image = ImageAnswers("a.jpg", tuple(BoxAnswer(name, (box,)) for name in ("ann", "bob", "eve")), 200, 200)
    result = aggregate_boxes(image, method="fused-median")
    assert [(one.x, one.y, one.w, one.h, one.label) for one in result.boxes] == [(10, 10, 50, 40, "hand")]
    assert (result.status, result.method) == ("hard", "fused-median")


@of("tags.md")
def test_the_tagger_that_the_guide_shows_can_be_set_up_and_sees_the_sky(shown, tmp_path):
    file = tmp_path / "taggers.yaml"
    file.write_text("sky: {class: 'shown:Sky', options: {least: 0.3}}\n", encoding="utf-8")
    sky = taggers.load(["sky"], taggers.read_setups(file))["sky"]
    assert isinstance(sky, Tagger)
    picture = np.full((360, 640, 3), 90)
    assert [tag.value for tag in sky.tags(views(picture))] == ["no"]
    picture[:120] = (110, 160, 230)
    assert [tag.value for tag in sky.tags(views(picture))] == ["yes"]


@pytest.mark.parametrize("line", "".join(blocks("contributor.md", "sh")).splitlines())
def test_a_line_of_the_contributors_guide_names_what_is_there_and_works_if_it_takes_a_moment(line, tmp_path):
    program, *words = [word for word in shlex.split(line) if not word.startswith("DJANGO_SETTINGS_MODULE=")]
    if program == "./winnow":
        assert words[0] in get_commands()
        return
    assert [word for word in words if "/" in word and not (ROOT / word).exists()] == []
    ours = Path(sys.executable).with_name(Path(program).name)
    assert ours.exists()
    if ours.name in QUICK:
        done = subprocess.run(
            [ours, *words], cwd=ROOT, env={"HOME": str(tmp_path), "RUFF_CACHE_DIR": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", "".join(blocks("user-guide.md", "sh")).splitlines())
def test_a_command_of_the_user_guide_does_what_it_says(line, capsys):
    program, command, *words = shlex.split(line.partition(" #")[0])
    assert program == "./winnow"
    call_command(command, *words)
    assert capsys.readouterr().out.strip()


def named(pattern: str) -> Iterator[tuple[str, str]]:
    """Return what the guides name, with the guide."""
    for guide in GUIDES:
        for word in re.findall(pattern, guide.read_text(encoding="utf-8")):
            yield guide.name, word


def test_every_file_of_the_repository_that_a_guide_names_is_there():
    tops = "aggregation|crowd|curation|docker|docs|locale|static|templates|tests"
    gone = [
        (guide, word)
        for guide, word in named(rf"`((?:{tops})/[\w./-]*\w\.\w+)[`:]")
        if "NAME" not in word and "CODE" not in word and not (ROOT / word).exists()
    ]
    assert gone == []


def test_every_page_that_a_guide_leads_to_is_there():
    links = [
        (guide, link)
        for guide in GUIDES
        for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", guide.read_text(encoding="utf-8"))
        if "://" not in link and not link.startswith("/")
    ]
    assert [(guide.name, link) for guide, link in links if not (guide.parent / link).exists()] == []


def test_every_target_and_command_that_a_guide_names_is_there():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert [one for one in named(r"`make ([a-z][a-z-]*)") if one[1] not in targets] == []
    known = {*get_commands()}
    assert [one for one in named(r"\./winnow ([a-z_]+)") if one[1] not in known] == []


def test_every_figure_of_the_sizing_guide_stands_where_it_says_it_was_measured():
    text = (ROOT / "docs" / "sizing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| ([^|]+) \| \[[^\]]+\]\(([\w-]+\.md)\) \|$", text, re.MULTILINE)
    assert len(rows) >= 8
    for figures, page in rows:
        source = (ROOT / "docs" / page).read_text(encoding="utf-8")
        for figure in re.findall(r"\d[\d,.]*\d|\d", figures):
            assert re.search(rf"(?<![\d.,]){re.escape(figure)}(?![\d])", source), f"{figure} is not in {page}"
