"""The query language: what it understands, what it refuses with a sentence, and which assets it means."""

from datetime import UTC, datetime

import pytest
from django.core.cache import caches
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from curation.models import Asset, AssetTag, Consensus, DatasetItem, DatasetVersion, Job, LabelClass, TagRun
from curation.services.asset_query import QueryError, boxes, counting, filters, matching, parse
from curation.services.asset_query.counting import counted
from curation.services.asset_query.fields import FIELDS
from curation.services.overview import asset_counts
from tests.api.conftest import Caller, token_of
from tests.factories import make_answer, make_asset, make_consensus, make_pool, make_user, make_worker, numbers


def canonical(text: str) -> str:
    query = parse(text)
    assert parse(str(query)) == query
    return str(query)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("class:peace  light:low iou<0.8", "class:peace light:low iou<0.8"),
        ("class=peace,palm state!=Dropped", "class:peace,palm -state:dropped"),
        ("-tag:blurred created:2026-10-01..2026-10-18", "-tag:blurred created:2026-10-01..2026-10-18"),
        ('name:"two words" IMG_20 -raw', 'name:"two words" name:IMG_20 -name:raw'),
        ('source:"a, \\"b\\""', 'source:"a, \\"b\\""'),
        ("class:peace class:peace", "class:peace"),
        ("iou:..0.5 created:2026-10-01..", "iou:..0.5 created:2026-10-01.."),
        ("", ""),
    ],
)
def test_a_query_is_understood_and_written_back_in_one_way(text, means):
    assert canonical(text) == means


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("colour:red", "'colour' is no field; known are class, box, state, stage"),
        ("label_class__project__name:x", "is no field"),
        ("state:gone", "state is waiting, working, dropped, held, published"),
        ("state<3", "state cannot be compared"),
        ("iou<much", "iou is compared with a number"),
        ("iou<0.5,0.6", "takes one value"),
        ("created:18.10.2026", "created is a day written 2026-10-18"),
        ("size>2apples", "A size is a number with"),
        ("video:1", "video is an id"),
        ("class:", "a value is missing"),
        ('name:"open', "is not closed"),
        (" ".join(f"word{number}" for number in range(31)), "at most 30 conditions, not 31"),
        ("x" * 2000, "at most 1,000 characters"),
    ],
)
def test_what_is_not_understood_is_named_with_what_is_known(text, sentence):
    with pytest.raises(QueryError, match=sentence):
        parse(text)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reader_and_what_it_reads_it_reads_again(text):
    try:
        query = parse(text)
    except QueryError:
        return
    assert parse(str(query)) == query


@pytest.fixture
def five(project):
    """Five assets that differ in everything a query can ask for."""
    wanda = make_worker()
    sent = make_asset(project, worker=wanda, answer=make_answer(make_pool(project), wanda), brightness=30.0)
    make_consensus(sent, lowest_iou=0.74)
    sharp = make_asset(project, name="IMG_2041.jpg", sharpness=300.0, brightness=100.0, source="camera")
    dropped = make_asset(
        project, Asset.State.DROPPED, stage="checks", reason="blurred", sharpness=10.0, width=640, height=480
    )
    video = make_asset(project, media="video", width=None, height=None, label_class=None)
    frame = make_asset(project, Asset.State.HELD, stage="validate", media="frame", parent=video, frame_index=0)
    Asset.objects.filter(pk=sharp.pk).update(bytes=3_000_000)
    Asset.objects.filter(pk=frame.pk).update(created_at=datetime(2026, 10, 18, 23, 30, tzinfo=UTC))
    run = TagRun.objects.create(project_id=project.pk, asset=sharp, tagger="light", version="1")
    AssetTag.objects.create(run=run, project_id=project.pk, asset=sharp, key="motion", value="yes", source="rule")
    version = DatasetVersion.objects.create(project=project, number=1, frozen_at=datetime(2026, 10, 20, tzinfo=UTC))
    DatasetItem.objects.create(dataset=version, asset=sharp, split="train")
    return {"sent": sent, "sharp": sharp, "dropped": dropped, "video": video, "frame": frame}


MEANT = {
    "": "sent sharp dropped video frame",
    "class:peace": "sharp sent dropped frame",
    "class:none": "video",
    "class:nothing": "",
    "state:dropped,held": "dropped frame",
    "-state:published": "dropped frame",
    "stage:checks reason:blurred": "dropped",
    "light:low": "sent",
    "light:normal blur:sharp": "sharp",
    "-light:low": "sharp dropped video frame",
    "light:none": "dropped video frame",
    "blur:blurred": "dropped",
    "resolution:full-hd": "sent sharp frame",
    "resolution:sd,none": "dropped video",
    "iou<0.8": "sent",
    "-iou<0.8": "sharp dropped video frame",
    "iou:0.75..1": "",
    "source:crowd": "sent",
    "source:camera": "sharp",
    "worker:none": "sharp dropped video frame",
    "tag:yes": "sharp",
    "tag:motion:yes": "sharp",
    'tag:"motion: yes"': "sharp",
    "tag:motion:no": "",
    "-tag:yes": "sent dropped video frame",
    "split:train": "sharp",
    "split:none state:published": "sent video",
    "created:2026-10-18": "frame",
    "created<2026-10-18": "",
    "created<=2026-10-18": "frame",
    "created>2026-10-18": "sent sharp dropped video",
    "media:frame": "frame",
    "img": "sharp",
    "-name:IMG": "sent dropped video frame",
    "size>2MB": "sharp",
    "width>=640 width<1000": "dropped",
}


@pytest.mark.django_db
def test_each_condition_means_the_assets_it_says(project, five):
    names = {asset.pk: name for name, asset in five.items()}
    for text, expected in MEANT.items():
        found = {names[pk] for pk in matching(parse(text), project=project).values_list("pk", flat=True)}
        assert found == set(expected.split()), text
    sent, video = five["sent"], five["video"]
    short = sent.answer.worker.short_id
    for text, expected in {
        f"worker:{short}": sent,
        f"worker:{short[:4]}": sent,
        f"video:{video.public_id}": five["frame"],
    }.items():
        assert list(matching(parse(text), project=project)) == [expected], text
    with pytest.raises(QueryError, match="worker is a name such as w_7f3a"):
        matching(parse("worker:wanda"), project=project)


@pytest.mark.django_db
@pytest.mark.parametrize("few", [0, 100])
def test_an_agreement_means_the_same_assets_whether_few_or_many_have_it(project, five, monkeypatch, few):
    monkeypatch.setattr(filters, "FEW", few)
    assert list(matching(parse("iou<0.8"), project=project)) == [five["sent"]]
    assert list(matching(parse("iou>0.8"), project=project)) == []
    assert matching(parse("-iou<0.8"), project=project).count() == 4


@pytest.mark.django_db
@pytest.mark.parametrize("few", [0, 500])
def test_a_box_counts_for_the_class_it_names_else_for_that_of_its_image(project, five, monkeypatch, few):
    monkeypatch.setattr(boxes, "FEW_BOXES", few)
    for name, is_negative in (("fist", False), ("nothing", True)):
        LabelClass.objects.create(project=project, index=next(numbers), name=name, is_negative=is_negative)
    names = {asset.pk: name for name, asset in five.items()}

    def meant(text: str) -> set[str]:
        return {names[pk] for pk in matching(parse(text), project=project).values_list("pk", flat=True)}

    first = Consensus.objects.get(asset=five["sent"])
    for label, counts_for in (("gesture", "peace"), ("Fist", "fist"), ("no hands", "nothing"), ("Nothing", "nothing")):
        first.boxes.update(label=label)
        for name in ("peace", "fist", "nothing"):
            assert meant(f"box:{name}") == ({"sent"} if name == counts_for else set()), (label, name)
    assert meant("-box:nothing") == meant("box:none") == set(five) - {"sent"}
    assert meant("box:nothing,none") == set(five)
    later = Consensus.objects.create(
        project_id=project.pk, asset=five["sent"], stage=project.stages.order_by("position").last(),
        method="review", status="hard", confidence=1.0, n_answers=1,
    )  # fmt: skip
    later.boxes.create(seq=0, label="fist", x=0.1, y=0.1, w=0.2, h=0.2, confidence=1.0)
    assert (meant("box:fist"), meant("box:nothing")) == ({"sent"}, set())


def counts(project, text):
    return counted(project, parse(text), asset_counts(project=project))


@pytest.mark.django_db
def test_counts_ignore_the_filter_of_their_own_group(project, five):
    found = counts(project, "state:dropped class:peace tag:none")
    assert found.total == 0
    found = counts(project, "state:dropped class:peace")
    assert (found.total, found.all) == (1, 5)
    assert found.by("state") == {"published": 2, "dropped": 1, "held": 1}
    assert found.by("class") == {"peace": 1}
    everything = counts(project, "")
    assert dict(everything.sides.values["source"]) == {"": 3, "camera": 1, "crowd": 1}
    assert dict(everything.sides.values["tag"]) == {"motion: yes": 1}
    assert dict(everything.sides.values["split"]) == {"train": 1}
    assert sum(n for _, n in everything.sides.days) == 5
    for text in MEANT:
        assert counts(project, text).total == matching(parse(text), project=project).count(), text


@pytest.mark.django_db
def test_the_api_takes_the_same_language_and_refuses_with_the_same_sentence(project, five, alice):
    caller = Caller(token_of(alice))
    answer = caller.get("/api/v1/assets", {"q": "class:peace -state:published", "count": "1"}).json()
    assert {row["id"] for row in answer["results"]} == {str(five[name].public_id) for name in ("dropped", "frame")}
    assert answer["count"] == 2
    refused = caller.get("/api/v1/assets", {"q": "colour:red"})
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_query")
    assert "'colour' is no field" in refused.json()["detail"]
    assert Caller(token_of(make_user("Otto"))).get("/api/v1/assets", {"q": "class:peace"}).json()["results"] == []


@pytest.mark.django_db
def test_counts_of_a_job_are_read_by_every_process(project, five, monkeypatch):
    monkeypatch.setattr(counting, "BIG", 0)
    query = parse("state:dropped light:low")
    assert counts(project, "state:dropped light:low").pending
    counting.run_count(Job.objects.get(kind="count_assets"), timezone.now())
    caches["default"].clear()  # what this process alone would know
    found = counts(project, "state:dropped light:low")
    assert not found.pending
    assert found.total == matching(query, project=project).count()


def test_every_field_has_an_example_that_is_understood():
    for name, field in FIELDS.items():
        if "…" not in field.example:
            assert parse(field.example).terms[0].field == name


def test_a_facet_puts_a_value_in_and_takes_it_out_again():
    query = parse("class:peace iou<0.8")
    palm = parse("class:palm").terms[0].values[0]
    more = query.toggled("class", palm)
    assert str(more) == "class:peace,palm iou<0.8"
    assert more.toggled("class", palm) == query
    assert str(parse("-class:palm").toggled("class", palm)) == "-class:palm class:palm"
