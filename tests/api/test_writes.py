"""Writes: the same service as the browser, once per key, refused with a code."""

import base64
import hashlib
import json
from contextlib import suppress
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import AsyncClient
from django.utils import timezone

from crowd.models import Account, Batch
from curation.models import Asset, DatasetVersion, Export, IdempotencyKey, Job, Membership, Pool, Project, User
from curation.services import data_set_readers, datasets, jobs
from tests.api.conftest import Caller, carry_out, token_of
from tests.doors.conftest import photo


def batch(caller: Caller, project: Project, lines: list[Any], **query: str) -> Any:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    extra = "".join(f"&{name}={value}" for name, value in query.items())
    path = f"/api/v1/assets:batch?project={project.public_id}{extra}"
    return caller.post(path, text, content_type="application/jsonl")


def line(key: str, data: bytes) -> dict[str, str]:
    return {"client_key": key, "data_base64": base64.b64encode(data).decode()}


# --- pools --------------------------------------------------------------------------------------------------
def test_price_and_target_change_with_money_as_text(alice: Caller, pool: Pool):
    answer = alice.send("PATCH", f"/api/v1/pools/{pool.pk}", {"price_usd": "0.045", "wanted": 12, "priority": 9})
    assert answer.status_code == 200, answer.json()
    assert (answer.json()["price_usd"], answer.json()["wanted"], answer.json()["priority"]) == ("0.045", 12, 9)
    pool.refresh_from_db()
    assert pool.price_micro == 45_000


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"price_usd": 0.045}, "as text"),
        ({"price_usd": "cheap"}, "not an amount"),
        ({"price_usd": "0.00000001"}, "millionth"),
        ({"wanted": 0}, "wanted"),
        ({"state": "open"}, "'state' is no field here"),
        ([1], "dictionary"),
    ],
)
def test_a_wrong_change_names_the_field(alice: Caller, pool: Pool, change: Any, word: str):
    answer = alice.send("PATCH", f"/api/v1/pools/{pool.pk}", change)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert word in answer.json()["detail"]


def test_a_pool_is_paused_and_opened_again(alice: Caller, pool: Pool):
    assert alice.post(f"/api/v1/pools/{pool.pk}/pause").json()["state"] == "paused"
    assert alice.post(f"/api/v1/pools/{pool.pk}/resume").json()["state"] in {"opening", "open"}


def test_a_pool_that_the_budget_cannot_carry_stays_closed(alice: Caller, pool: Pool):
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.PAUSED, wanted=100_000)
    answer = alice.post(f"/api/v1/pools/{pool.pk}/open")
    assert (answer.status_code, answer.json()["code"]) == (409, "budget_exceeded")
    pool.refresh_from_db()
    assert pool.state == Pool.State.PAUSED


# --- projects -----------------------------------------------------------------------------------------------
def test_the_maker_of_a_project_leads_it(alice: Caller, people: dict[str, User]):
    wish = {"recipe": "gestures", "name": "Two signs", "classes": ["peace"], "wanted": 3, "budget_usd": "25.50"}
    answer = alice.send("POST", "/api/v1/projects", wish)
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["role"], answer.json()["budget"]["limit_usd"]) == ("lead", "25.50")
    assert Membership.objects.get(project__slug="two-signs").user == people["Alice"]


def test_an_unknown_recipe_is_refused_with_a_sentence(alice: Caller):
    answer = alice.send("POST", "/api/v1/projects", {"recipe": "soup", "name": "Soup"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_recipe")
    assert "soup" in answer.json()["detail"]
    assert not Project.objects.filter(name="Soup").exists()


# --- assets -------------------------------------------------------------------------------------------------
def test_an_upload_is_new_once(alice: Caller, project: Project):
    path = f"/api/v1/projects/{project.public_id}/assets"
    answers = [
        alice.post(path, {"file": SimpleUploadedFile("a.jpg", photo(70)), "client_key": "mine-1"}) for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json()["asset"]["id"] == answers[1].json()["asset"]["id"]
    assert (answers[0].json()["asset"]["stage"], answers[0].json()["asset"]["client_key"]) == ("checks", "mine-1")


def test_a_drawing_is_refused_with_the_reason(alice: Caller, project: Project):
    file = SimpleUploadedFile("a.jpg", b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    answer = alice.post(f"/api/v1/projects/{project.public_id}/assets", {"file": file})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_an_image")
    assert "SVG" in answer.json()["detail"]


def test_a_batch_answers_each_line(alice: Caller, project: Project):
    lines = [line("a", photo(80)), line("b", b"junk"), "not json", {"client_key": "c"}, line("a", photo(80))]
    answer = batch(alice, project, lines).json()
    assert [one["status"] for one in answer["lines"]] == ["new", "refused", "refused", "refused", "existing"]
    assert [one.get("code") for one in answer["lines"]] == [None, "not_an_image", "bad_line", "bad_line", None]
    assert (answer["received"], answer["new"], answer["existing"], answer["refused"]) == (5, 1, 1, 3)


def test_a_batch_sent_twice_is_stored_once(alice: Caller, project: Project):
    lines = [line("a", photo(80)), line("b", photo(81))]
    first, second = batch(alice, project, lines).json(), batch(alice, project, lines).json()
    assert (first["new"], second["new"], second["existing"]) == (2, 0, 2)
    assert [one["asset"] for one in first["lines"]] == [one["asset"] for one in second["lines"]]


@pytest.mark.parametrize("lines", [[], ["{}"] * 10_001])
def test_a_batch_has_one_to_ten_thousand_lines(alice: Caller, project: Project, lines: list[str]):
    answer = batch(alice, project, lines)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_batch")


def test_an_unknown_stage_refuses_the_whole_batch(alice: Caller, project: Project):
    before = Asset.objects.count()
    answer = batch(alice, project, [line("a", photo(80))], stage="polish")
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_stage")
    assert Asset.objects.count() == before


# --- versions and exports -----------------------------------------------------------------------------------
def test_freeze_export_and_download(alice: Caller, project: Project):
    version = alice.send("POST", "/api/v1/datasets", {"project": str(project.public_id)}).json()
    carry_out("freeze")
    assert alice.get(f"/api/v1/datasets/{version['id']}").json()["counts"]["images"] == 2
    asked = alice.send("POST", "/api/v1/exports", {"dataset": version["id"], "format": "coco"})
    assert asked.status_code == 202
    jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    done = alice.get(f"/api/v1/exports/{asked.json()['id']}").json()
    assert (done["state"], done["receipt"]["images"], done["receipt"]["negatives"]) == ("done", 2, 1)
    file: Any = alice.get(f"/api/v1/exports/{done['id']}/download")
    data = b"".join(file.streaming_content)
    assert hashlib.sha256(data).hexdigest() == done["receipt"]["zip_sha256"]
    assert file["Content-Disposition"] == f'attachment; filename="{project.slug}-v1-coco.zip"'
    alice.get(f"/api/v1/exports/{done['id']}/download", headers={"Range": "bytes=100-"})
    (reader,) = data_set_readers.readers_of(version=DatasetVersion.objects.get())
    assert (reader.name, reader.format, reader.times) == ("Alice", "coco", 1)


def test_a_broken_download_goes_on_where_it_stopped(alice: Caller, export: Export):
    jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    path = f"/api/v1/exports/{export.public_id}/download"
    first: Any = alice.get(path)
    whole = b"".join(first.streaming_content)
    rest: Any = alice.get(path, headers={"Range": "bytes=100-"})
    assert (rest.status_code, b"".join(rest.streaming_content)) == (206, whole[100:])
    assert rest["Content-Range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert alice.get(path, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


@pytest.mark.django_db(transaction=True)
def test_the_asynchronous_server_streams_too(export: Export, people: dict[str, User]):
    async def fetch() -> bytes:
        answer: Any = await AsyncClient().get(path, headers={"Authorization": f"Bearer {token}"})
        assert answer.is_async
        return b"".join([piece async for piece in answer.streaming_content])

    jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    token, path = token_of(people["Alice"]), f"/api/v1/exports/{export.public_id}/download"
    data = async_to_sync(fetch)()
    export.refresh_from_db()
    assert hashlib.sha256(data).hexdigest() == export.receipt["zip_sha256"]


def test_nothing_to_freeze_is_said(alice: Caller, project: Project):
    Asset.objects.filter(project=project).update(state=Asset.State.HELD)
    answer = alice.send("POST", "/api/v1/datasets", {"project": str(project.public_id)})
    assert (answer.status_code, answer.json()["code"]) == (409, "refused")
    assert "no published image" in answer.json()["detail"]


def test_an_unknown_format_is_refused(alice: Caller, export: Export):
    wish = {"dataset": str(export.dataset.public_id), "format": "papyrus"}
    answer = alice.send("POST", "/api/v1/exports", wish)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_format")


def test_an_empty_file_of_predictions_is_told_in_a_sentence(alice: Caller, export: Export):
    path = f"/api/v1/predictions?dataset={export.dataset.public_id}&model=detector&model_version=2"
    answer = alice.post(path, "", content_type="application/jsonl")
    assert (answer.status_code, answer.json()["detail"]) == (409, "There is no prediction in the file.")


# --- once ---------------------------------------------------------------------------------------------------
def freeze(caller: Caller, project: Project, key: str, note: str = "") -> Any:
    wish = {"project": str(project.public_id), "note": note}
    return caller.send("POST", "/api/v1/datasets", wish, **{"Idempotency-Key": key})


def test_the_same_key_happens_once_and_answers_the_same(alice: Caller, project: Project):
    first, second = freeze(alice, project, "k"), freeze(alice, project, "k")
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert second["Idempotency-Replayed"] == "true"
    assert DatasetVersion.objects.count() == 1
    carry_out("freeze")
    assert freeze(alice, project, "other").json()["number"] == 2


def test_a_key_is_not_for_two_requests(alice: Caller, project: Project):
    freeze(alice, project, "k")
    answer = freeze(alice, project, "k", note="another")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert DatasetVersion.objects.count() == 1


def test_a_refused_request_may_come_again_with_its_key(alice: Caller, project: Project):
    Asset.objects.filter(project=project).update(state=Asset.State.HELD)
    assert freeze(alice, project, "k").status_code == 409
    Asset.objects.filter(project=project).update(state=Asset.State.PUBLISHED)
    assert freeze(alice, project, "k").status_code == 202


def test_a_request_under_way_is_not_done_twice(alice: Caller, project: Project):
    freeze(alice, project, "k")
    IdempotencyKey.objects.update(status=None)
    answer = freeze(alice, project, "k")
    assert (answer.status_code, answer.json()["code"]) == (409, "still_under_way")


def test_a_fault_of_ours_frees_the_key(alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch):
    def fails(**_: Any) -> None:
        raise OperationalError("the database does not answer")

    with monkeypatch.context() as broken:
        broken.setattr(datasets, "request_version", fails)
        with suppress(OperationalError):
            freeze(alice, project, "k")
    assert not IdempotencyKey.objects.exists()
    assert freeze(alice, project, "k").status_code == 202


def test_a_secret_that_is_shown_once_is_not_kept_with_the_answer(alice: Caller, project: Project):
    wish = {"project": str(project.public_id), "url": "https://example.com/hook", "topics": ["asset.accepted"]}
    first, again = (alice.send("POST", "/api/v1/webhooks", wish, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json().pop("secret")
    assert "secret" not in again.json()
    assert again.json()["id"] == first.json()["id"]
    assert "whsec_" not in json.dumps(IdempotencyKey.objects.get().body)


def test_a_large_batch_may_carry_a_key_that_it_does_not_need(alice: Caller, project: Project):
    lines = b"\n" * 3_000_000 + json.dumps({"client_key": "a", "data_base64": "bm90aGluZw=="}).encode()
    address = f"/api/v1/assets:batch?project={project.public_id}"
    answer = alice.post(address, lines, content_type="application/jsonl", headers={"Idempotency-Key": "k"})
    assert answer.status_code == 200
    assert not IdempotencyKey.objects.exists()


def test_people_do_not_share_keys(alice: Caller, project: Project, people: dict[str, User]):
    freeze(alice, project, "k")
    carry_out("freeze")
    Membership.objects.filter(user=people["Rita"]).update(role=Membership.Role.LEAD)
    assert freeze(Caller(token_of(people["Rita"])), project, "k").json()["number"] == 2


def test_a_project_asks_for_its_settings_as_the_wizard_does(alice: Caller):
    wish = {
        "recipe": "gestures",
        "name": "By API",
        "classes": ["call"],
        "wanted": 2,
        "settings": {
            "collect": {"price_usd": "0.05", "price_by_skill": None},
            "validate": {"training_tasks": 0, "exam_tasks": 0, "control_per_page": 0},
        },
    }
    assert alice.send("POST", "/api/v1/projects", wish).status_code == 201
    assert Pool.objects.get(project__name="By API", title="CALL").price_micro == 50_000
    wrong = alice.send(
        "POST", "/api/v1/projects", {**wish, "name": "Wrong", "settings": {"collect": {"price_usd": "x"}}}
    )
    assert "collect: price_usd: 'x' is not an amount of money." in wrong.json()["detail"]


def test_a_pool_is_opened_against_what_its_platform_lacks_only_by_agreement(alice: Caller, pool: Pool):
    Account.objects.filter(pk=pool.account_id).update(platform="toloka", commission_percent=0)
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.PAUSED, price_micro=1_000)
    Batch.objects.filter(pool_id=pool.pk).update(price_micro=1_000)
    refused = alice.post(f"/api/v1/pools/{pool.pk}/open")
    assert refused.status_code == 409
    assert "at least $0.005 a page" in refused.json()["detail"]
    assert alice.post(f"/api/v1/pools/{pool.pk}/open?accept_differences=true").json()["state"] == "opening"
