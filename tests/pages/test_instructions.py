"""What workers read: written in versions, clean of scripts, and shown as it was when somebody got a page."""

import html
import io
import re
import time
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from crowd.models import Assignment, Batch, Evidence, Task
from curation.models import Event, FormerExample, Instruction, Pool
from curation.services import instructions, pools
from curation.services.markdown import to_html
from curation.services.pool_drafts import PoolDraft
from tests.factories import make_answer, make_asset, make_evidence, make_pool, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def pool(project):
    return make_pool(project)


def address(project, name="instruction-edit", stage="collect"):
    return reverse(name, args=[project.public_id, stage])


def post(people, project, text="Show **two** fingers", who="alice", **more: Any):
    fields = {"text": text, "based_on": "0", **more}
    return people[who].post(address(project), fields)


def picture(colour="red"):
    data = io.BytesIO()
    Image.new("RGB", (2000, 1000), colour).save(data, "PNG")
    return SimpleUploadedFile("example.png", data.getvalue(), "image/png")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '<img src=x onerror="alert(1)">',
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](http://elsewhere/pixel.gif)",
        '<a href="x" style="position:fixed">',
        "<svg/onload=alert(1)>",
    ],
)
def test_nothing_that_could_run_or_phone_home_is_left(text):
    tags = " ".join(re.findall(r"<[^>]*>", to_html(text)))
    for part in ("script", "img", "svg", "javascript", "data:", "style", "onerror"):
        assert part not in tags


def test_markdown_becomes_headings_lists_and_tables():
    html = to_html("# Title\n\n- one\n- two\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n[more](https://example.org)")
    assert "<h2>Title</h2>" in html
    assert "<li>two</li>" in html
    assert "<td>2</td>" in html
    assert 'rel="noopener nofollow"' in html


def test_a_version_is_added_shown_and_never_changed(people, project, pool, alice):
    assert post(people, project, note="first").status_code == 302
    post(people, project, "Show **three** fingers", based_on="1")
    assert list(Instruction.objects.values_list("number", "text", "note")) == [
        (1, "Show **two** fingers", "first"),
        (2, "Show **three** fingers", ""),
    ]
    page = people["vera"].get(reverse("instructions", args=[project.public_id])).content.decode()
    assert "Version 2" in page
    newest = Instruction.objects.get(number=2)
    compared = people["vera"].get(reverse("instruction-version", args=[project.public_id, newest.pk])).content.decode()
    assert '<del><span class="vh">removed: </span>Show **two** fingers</del>' in compared
    assert Event.objects.filter(kind="instructions.saved").count() == 2
    with pytest.raises(DatabaseError), transaction.atomic():
        Instruction.objects.filter(number=1).update(text="Never said")


def test_the_same_again_adds_nothing_and_a_version_saved_meanwhile_is_not_lost(people, project, pool):
    post(people, project)
    post(people, project, based_on="1")
    assert Instruction.objects.count() == 1
    late = post(people, project, "Mine", based_on="0")
    assert late.status_code == 400
    assert "Version 1 was saved meanwhile" in late.content.decode()
    assert "Mine</textarea>" in late.content.decode()


def test_a_worker_reads_the_version_that_was_current_when_the_page_came(people, project, pool, alice):
    stage = pool.stage
    before = make_answer(pool, make_worker("Early")).assignment
    first = instructions.save(stage=stage, pool=None, text="One", pieces=[], by=alice, now=timezone.now())
    between = make_answer(pool, make_worker("Wanda")).assignment
    instructions.save(stage=stage, pool=None, text="Two", pieces=[], by=alice, now=timezone.now())
    after = make_answer(pool, make_worker("Late")).assignment
    pages = [Assignment.objects.select_related("batch").get(pk=page.pk) for page in (before, between, after)]
    found = [instructions.for_page(page) for page in pages]
    assert [one and one.text for one in found] == [None, "One", "Two"]
    assert found[1] == first
    assert instructions.read_beside(pages) == dict(zip([page.pk for page in pages[1:]], found[1:], strict=True))


def test_the_history_of_a_picture_links_the_version_its_sender_read(people, project, pool, alice):
    for text in ("One", "Two"):
        read = instructions.save(stage=pool.stage, pool=pool, text=text, pieces=[], by=alice, now=timezone.now())
    emptied = instructions.save(stage=pool.stage, pool=pool, text="", pieces=[], by=alice, now=timezone.now())
    worker = make_worker("Wanda")
    answers = [make_answer(pool, worker) for _ in range(2)]
    for answer, version in zip(answers, (read, emptied), strict=True):
        Assignment.objects.filter(pk=answer.assignment_id).update(issued_at=version.created_at)
    pictures = [make_asset(project, worker=worker, answer=answer) for answer in answers]
    seen, after = (
        people["vera"].get(reverse("asset", args=[project.public_id, one.public_id])).content.decode()
        for one in pictures
    )
    assert f'href="{reverse("instruction-version", args=[project.public_id, read.pk])}">version 2</a>' in seen
    assert "Instructions read" not in after


def test_a_pools_own_text_goes_before_its_stages_until_it_is_emptied(people, project, pool, alice):
    other = make_pool(project, "CALL")

    def saved(text, of, number=None):
        return instructions.save(stage=pool.stage, pool=of, text=text, pieces=[], by=alice, now=timezone.now())

    saved("Stage", None)
    saved("Pool", pool)
    assert instructions.current(stage=pool.stage, pool=pool).text == "Pool"
    assert instructions.current(stage=pool.stage, pool=other).text == "Stage"
    assert "Pool" in Batch.objects.get(pool_id=pool.pk).spec["guide_html"]
    saved("Stage two", None)
    assert "Pool" in Batch.objects.get(pool_id=pool.pk).spec["guide_html"]
    saved("", pool)
    assert instructions.current(stage=pool.stage, pool=pool).text == "Stage two"
    assert "Stage two" in Batch.objects.get(pool_id=pool.pk).spec["guide_html"]


def test_a_pool_made_later_shows_what_its_stage_says(people, project, pool):
    post(people, project, "Stage")
    draft = PoolDraft(kind=Pool.Kind.MAIN, title="All", interface="photo", spec={"instructions": ["Look"]})
    later, _made = pools.ensure_pool(stage=pool.stage, account_id=pool.account_id, draft=draft, known=[])
    page = make_answer(later, make_worker("Late")).assignment
    assert instructions.for_page(page).text == "Stage"
    assert Batch.objects.get(pool_id=later.pk).spec["instructions"] == ["Look"]


def test_long_texts_are_compared_at_once():
    before, after = ("\n".join("abc"[(i * step) % 3] for i in range(10_000)) for step in (1, 2))
    began = time.process_time()
    lines = instructions.compared(before, after)
    assert time.process_time() - began < 1
    assert "\n".join(line.text for line in lines if line.kind != "gone") == after
    assert "\n".join(line.text for line in lines if line.kind != "added") == before


def test_examples_are_drawn_anew_kept_in_later_versions_and_seen_without_a_session(people, project, pool):
    post(people, project, **{"new-0-file": picture(), "new-0-role": "bad", "new-0-caption": "Cut off <b>"})
    piece = instructions.pieces_of(Instruction.objects.get())[0]
    assert (piece.role, piece.width, piece.height) == ("bad", 1280, 640)
    again = {"based_on": "1", "keep-0": "yes", "role-0": "good", "caption-0": "Whole hand"}
    post(people, project, "Else", **again)
    kept = instructions.pieces_of(Instruction.objects.get(number=2))
    assert [(one.role, one.caption, one.key) for one in kept] == [("good", "Whole hand", piece.key)]
    seen = people["nobody"].get(piece.url)
    assert seen["Content-Type"] == "image/jpeg"
    assert people["nobody"].get(f"{piece.url}x").status_code == 404
    assert (
        "Cut off &lt;b&gt;"
        in people["alice"]
        .get(reverse("instruction-version", args=[project.public_id, Instruction.objects.get(number=1).pk]))
        .content.decode()
    )


def test_a_video_comes_in_the_pieces_a_phone_asks_for(people, project, pool):
    video = SimpleUploadedFile("v.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(range(200)))
    post(people, project, **{"new-0-file": video, "new-0-role": "video"})
    piece = instructions.pieces_of(Instruction.objects.get())[0]
    part = people["nobody"].get(piece.url, headers={"range": "bytes=4-11"})
    assert (part.status_code, part.content, part["Content-Type"]) == (206, b"ftypmp42", "video/mp4")
    assert part["Content-Range"] == "bytes 4-11/212"
    assert people["nobody"].get(piece.url, headers={"range": "bytes=900-"}).status_code == 416


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"text": " "}, "Write what workers shall read"),
        ({"text": "x" * 20_001}, "at most 20,000 letters, not 20,001"),
        ({"new-0-file": SimpleUploadedFile("a.png", b"no picture")}, "cannot be read"),
        ({"new-0-file": SimpleUploadedFile("a.avi", b"RIFF0000AVI "), "new-0-role": "video"}, "must be MP4 or WebM"),
    ],
)
def test_a_mistake_is_one_sentence_and_adds_no_version(people, project, pool, fields, sentence):
    answer = people["alice"].post(address(project), {"text": "Good", "based_on": "0", **fields})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not Instruction.objects.exists()


@pytest.mark.parametrize("refused", [{"based_on": "7"}, {"new-1-file": SimpleUploadedFile("a.png", b"no picture")}])
def test_what_was_uploaded_with_a_refused_version_is_not_kept(people, project, pool, monkeypatch, refused):
    stored = []
    save = default_storage.save
    monkeypatch.setattr(default_storage, "save", lambda *given: stored.append(save(*given)) or stored[-1])
    assert post(people, project, **{"new-0-file": picture(), **refused}).status_code == 400
    assert len(stored) == 1
    assert not default_storage.exists(stored[0])


def test_an_old_version_is_used_again_as_a_new_one(people, project, pool):
    post(people, project)
    post(people, project, "Else", based_on="1")
    first = Instruction.objects.get(number=1)
    people["alice"].post(reverse("instruction-version", args=[project.public_id, first.pk]))
    newest = Instruction.objects.get(number=3)
    assert (newest.text, newest.note) == (first.text, "as in version 1")


def test_only_leads_write_members_read_and_strangers_find_nothing(people, project, pool):
    post(people, project)
    seen = reverse("instruction-version", args=[project.public_id, Instruction.objects.get().pk])
    for who, status in (("rita", 200), ("vera", 200), ("charlie", 404), ("nobody", 302)):
        assert people[who].get(reverse("instructions", args=[project.public_id])).status_code == status
        assert people[who].get(seen).status_code == status
    for who in ("rita", "vera", "charlie"):
        assert people[who].get(address(project)).status_code == 404
        assert post(people, project, "Mine", who=who).status_code == 404
        assert people[who].post(seen).status_code == 404
    assert Instruction.objects.count() == 1


def test_what_is_typed_is_previewed_and_not_stored(people, project, pool):
    shown = people["alice"].post(address(project, "instruction-preview"), {"text": "## Look\n<script>x</script>"})
    assert "<h3>Look</h3>" in shown.content.decode()
    assert "<script" not in shown.content.decode()
    assert not Instruction.objects.exists()


# --- examples of classes ----------------------------------------------------------------------------------------------
def give(people, project, file: SimpleUploadedFile, who: str = "alice"):
    return people[who].post(
        reverse("class-example-set", args=[project.public_id, "peace"]), {"file": file}, follow=True
    )


def test_a_picture_of_ones_own_becomes_the_example_of_who_begins_now(people, project, pool):
    begun = make_answer(pool, make_worker()).task
    batch, payload = begun.batch, {"class": "peace", "template_key": "drawn.jpg"}
    Task.objects.filter(pk=begun.pk).update(payload=payload)
    free = Task.objects.create(batch=batch, key="free", project_id=project.pk, overlap=1, payload=payload)
    sent = Task.objects.create(
        batch=batch, key="sent", project_id=project.pk, overlap=1, payload=payload, remote_id="there"
    )
    page = give(people, project, picture()).content.decode()
    assert "Who begins now sees this picture as the example of peace." in page
    label = project.classes.get(name="peace")
    shown = dict(Task.objects.values_list("pk", "payload__template_key"))
    assert shown == {begun.pk: "drawn.jpg", free.pk: label.example_key, sent.pk: "drawn.jpg"}
    assert people["vera"].get(example(project))["Content-Type"] == "image/jpeg"
    assert Event.objects.filter(kind="instructions.example").count() == 1


def example(project, **query: str) -> str:
    return reverse("class-example", args=[project.public_id, "peace"], query=query)


def test_evidence_shows_the_example_that_was_copied_after_the_class_has_another(people, project, pool):
    give(people, project, picture("red"))
    first = project.classes.get(name="peace").example_key
    asset = make_asset(project, worker=make_worker())
    proof = make_evidence(asset, kind="template_copy")
    Evidence.objects.filter(pk=proof.pk).update(details={"template_class": "peace", "template_key": first})
    red = people["vera"].get(example(project)).content
    give(people, project, picture("blue"))
    blue = people["vera"].get(example(project)).content
    assert red != blue
    for where in (
        reverse("asset", args=[project.public_id, asset.public_id]),
        reverse("workers", args=[project.public_id]),
    ):
        (address,) = re.findall(r'src="([^"]+)" alt="The example picture"', people["alice"].get(where).content.decode())
        assert people["alice"].get(html.unescape(address)).content == red
    assert people["vera"].get(example(project, key="")).content == red
    assert people["vera"].get(example(project, key="instructions/else.jpg")).status_code == 404
    with pytest.raises(DatabaseError), transaction.atomic():
        FormerExample.objects.update(key="other")


def test_what_is_no_picture_is_no_example_and_only_leads_give_one(people, project, pool):
    refused = give(people, project, SimpleUploadedFile("mine.jpg", b"%PDF-1.4"))
    assert "The picture cannot be read" in refused.content.decode()
    assert give(people, project, picture(), "rita").status_code == 404
    assert give(people, project, picture(), "charlie").status_code == 404
    assert project.classes.get(name="peace").example_key == ""
