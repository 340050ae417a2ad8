"""What was answered, agreed, reviewed, found out, paid, done and is to be expected, as the screens tell it."""

from typing import Any
from uuid import uuid4

import pytest

from crowd.models import Budget, Evidence, LedgerEntry, Restriction
from curation.models import Annotation, Asset, Consensus, Event, Pool, Project, Review, Stage, User
from curation.services import events
from tests.api.conftest import Caller, carry_out, token_of
from tests.factories import make_answer, make_asset, make_consensus, make_evidence, make_project, make_user, make_worker


@pytest.fixture
def sent(project: Project, pool: Pool) -> Asset:
    """A photo that Wanda sent, boxed and agreed on."""
    worker = make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(pool, worker), name="hand.jpg")
    make_consensus(asset)
    return asset


@pytest.fixture
def at_review(project: Project, sent: Asset) -> Asset:
    stage = Stage.objects.create(project=project, position=9, kind="review", name="review", title="Review")
    Asset.objects.filter(pk=sent.pk).update(stage=stage, state=Asset.State.HELD)
    return sent


def rows(caller: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    answer = caller.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found


# --- what was said ------------------------------------------------------------------------------------------
def test_an_annotation_names_its_worker_by_pseudonym(alice: Caller, sent: Asset):
    note = Annotation.objects.get(asset=sent)
    (row,) = rows(alice, "annotations", asset=sent.public_id)
    assert (row["id"], row["kind"], row["worker_id"]) == (note.pk, "boxes", sent.worker_id)
    assert row["worker"].startswith("w_")
    assert row["boxes"] == [{"label": "gesture", "x": 0.2, "y": 0.3, "w": 0.1, "h": 0.2, "points": []}]
    assert alice.get(f"/api/v1/annotations/{note.pk}").json() == row


def test_what_is_said_about_assets_is_found_by_the_language_of_assets(alice: Caller, project: Project, sent: Asset):
    other = make_asset(project, worker=make_worker(), name="foot.jpg")
    make_consensus_of(other)
    assert len(rows(alice, "consensus", q="name:hand")) == 1
    assert len(rows(alice, "annotations", q="-name:hand", project=project.public_id)) == 0
    wrong = alice.get("/api/v1/consensus", {"q": "password:x"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_query")
    assert "'password' is no field" in wrong.json()["detail"]


def make_consensus_of(asset: Asset, version: int = 1) -> Consensus:
    stage = asset.project.stages.get(kind="validate")
    return Consensus.objects.create(
        project_id=asset.project_id,
        asset=asset,
        stage=stage,
        version=version,
        method="majority",
        status="label",
        label="correct",
        confidence=1.0,
        n_answers=2,
    )


def test_a_query_knows_the_project_it_is_asked_in(alice: Caller, project: Project, sent: Asset):
    other = make_project("Other", lead=User.objects.get(name="Alice"))
    make_asset(other, name="hand.jpg")
    assert len(rows(alice, "assets", q="name:hand")) == 2
    assert len(rows(alice, "assets", q="name:hand", project=project.public_id)) == 1
    assert rows(alice, "assets", q="split:train", project=project.public_id) == []


def test_what_stands_and_what_it_replaced_are_told_apart(alice: Caller, sent: Asset):
    old = Consensus.objects.get(asset=sent)
    Consensus.objects.filter(pk=old.pk).update(is_current=False)
    new = make_consensus_of(sent, version=2)
    assert [row["id"] for row in rows(alice, "consensus", asset=sent.public_id, current="true")] == [new.pk]
    assert [row["version"] for row in rows(alice, "consensus", asset=sent.public_id)] == [1, 2]
    assert alice.get(f"/api/v1/consensus/{old.pk}").json()["trace"] == ["hard: 3 answers, lowest pair 0.74"]


def test_an_asset_says_which_versions_hold_it(alice: Caller, export, project: Project):
    held = project.assets.earliest("pk")
    (version,) = alice.get(f"/api/v1/assets/{held.public_id}").json()["versions"]
    assert (version["id"], version["number"]) == (str(export.dataset.public_id), 1)


# --- reviews ------------------------------------------------------------------------------------------------
def decide(caller: Caller, project: Project, *decisions: dict[str, Any]) -> Any:
    wish = {"project": str(project.public_id), "decisions": list(decisions)}
    return caller.send("POST", "/api/v1/reviews", wish)


def test_a_decision_sent_twice_is_stored_once_and_can_be_undone(alice: Caller, project: Project, at_review: Asset):
    key, seen = str(uuid4()), Consensus.objects.get(asset=at_review).pk
    decision = {"key": key, "asset": str(at_review.public_id), "verdict": "reject", "reason": "cut_off", "seen": seen}
    for _ in range(2):
        assert decide(alice, project, decision).json() == {"saved": [key], "refused": []}
    at_review.refresh_from_db()
    assert (at_review.state, at_review.reason) == (Asset.State.DROPPED, "cut_off")
    undo = {"key": str(uuid4()), "asset": str(at_review.public_id), "verdict": "undo", "undoes": key}
    assert decide(alice, project, undo).json()["refused"] == []
    assert [(row["verdict"], row["by"]) for row in rows(alice, "reviews")] == [("reject", "Alice"), ("undo", "Alice")]
    assert alice.get(f"/api/v1/reviews/{key}").json()["reason"] == "cut_off"


def test_a_refused_decision_does_not_hold_up_the_others(alice: Caller, project: Project, at_review: Asset):
    nowhere = {"key": str(uuid4()), "asset": str(uuid4()), "verdict": "accept"}
    stale = {"key": str(uuid4()), "asset": str(at_review.public_id), "verdict": "accept", "seen": 0}
    good = {"key": str(uuid4()), "asset": str(at_review.public_id), "verdict": "accept"}
    answer = decide(alice, project, nowhere, stale, good).json()
    assert answer["saved"] == [good["key"]]
    assert [one["code"] for one in answer["refused"]] == ["refused", "changed_meanwhile"]
    assert Review.objects.count() == 1


def test_a_box_outside_of_the_image_is_refused_with_its_place(alice: Caller, project: Project, at_review: Asset):
    fix = {"key": str(uuid4()), "asset": str(at_review.public_id), "verdict": "fix"}
    answer = decide(alice, project, {**fix, "boxes": [{"label": "gesture", "x": 1.2, "y": 0, "w": 0.1, "h": 0.1}]})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert "decisions.0.boxes.0.x" in answer.json()["detail"]


# --- workers and evidence -----------------------------------------------------------------------------------
def test_a_worker_is_a_pseudonym_with_numbers(alice: Caller, project: Project, sent: Asset):
    (row,) = rows(alice, "workers", project=project.public_id)
    assert (row["pages"], row["accepted"], row["earned"], row["currency"]) == (1, 1, "0.03", "USD")
    detail = alice.get(f"/api/v1/workers/{row['id']}", {"project": str(project.public_id)})
    assert "Wanda" not in detail.content.decode()
    assert (detail.json()["name"], detail.json()["restrictions"]) == (row["name"], [])
    nameless = alice.get("/api/v1/workers")
    assert (nameless.status_code, nameless.json()["code"]) == (400, "bad_parameter")


def test_a_worker_is_warned_banned_and_let_go_on(alice: Caller, project: Project, sent: Asset):
    path, about = f"/api/v1/workers/{sent.worker_id}", {"project": str(project.public_id), "reason": "careless"}
    assert alice.send("POST", f"{path}/warn", about).json()["is_banned"] is False
    banned = alice.send("POST", f"{path}/ban", {**about, "days": 3}).json()
    assert (banned["is_banned"], banned["restrictions"][0]["effect"]) == (True, "no_work")
    lift = {"project": about["project"], "restriction": banned["restrictions"][0]["id"]}
    assert alice.send("POST", f"{path}/lift", lift).json()["is_banned"] is False
    kinds = Event.objects.filter(project_id=project.pk, kind__startswith="worker.").order_by("pk")
    assert list(kinds.values_list("kind", flat=True)) == ["worker.warned", "worker.banned", "worker.lifted"]


def test_a_ban_of_the_whole_account_is_not_a_projects_to_lift(alice: Caller, project: Project, pool: Pool, sent: Asset):
    row = Restriction.objects.create(
        worker_id=sent.worker_id, scope="account", scope_id=pool.account_id, reason="sold the account"
    )
    lift = {"project": str(project.public_id), "restriction": row.pk}
    answer = alice.send("POST", f"/api/v1/workers/{sent.worker_id}/lift", lift)
    assert (answer.status_code, answer.json()["code"]) == (403, "whole_account")


def test_evidence_is_confirmed_or_cleared(alice: Caller, project: Project, sent: Asset):
    proof = make_evidence(sent)
    Evidence.objects.filter(pk=proof.pk).update(awaits_person=True)
    (row,) = rows(alice, "evidence", state="waiting")
    assert (row["asset"], row["other"], row["details"]["distance"]) == (str(sent.public_id), None, 12)
    assert alice.post(f"/api/v1/evidence/{proof.pk}/confirm").json()["state"] == "counts"
    assert alice.post(f"/api/v1/evidence/{proof.pk}/clear").json()["state"] == "overturned"
    assert rows(alice, "evidence", state="waiting") == []


# --- money, record, forecast --------------------------------------------------------------------------------
def test_the_ledger_says_what_was_paid_to_whom_for_what(alice: Caller, project: Project, pool: Pool, sent: Asset):
    entry = LedgerEntry.objects.create(
        project_id=project.pk, kind="charge", ref="assignment:7", source="held", target="workers", amount_micro=30_000,
        stage_id=pool.stage_id, pool_id=pool.pk, account_id=pool.account_id, worker_id=sent.worker_id,
    )  # fmt: skip
    (row,) = rows(alice, "ledger", kind="charge", pool=pool.pk, since="2020-01-01")
    assert (row["amount"], row["currency"], row["target"]) == ("0.03", "USD", "workers")
    assert (row["stage"], row["pool_name"], row["account"]) == ("collect", "PEACE", "Inhouse")
    assert row["worker"].startswith("w_")
    assert alice.get(f"/api/v1/ledger/{entry.pk}").json() == row
    assert rows(alice, "ledger", kind="charge", until="2020-01-01T00:00:00Z") == []
    wrong = alice.get("/api/v1/ledger", {"since": "yesterday"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "bad_parameter")


def test_the_record_is_for_leads(alice: Caller, project: Project, people: dict[str, User]):
    alice.send("POST", "/api/v1/datasets", {"project": str(project.public_id)})
    carry_out("freeze")
    (row,) = rows(alice, "events", kind="dataset.frozen", by_people="true")
    assert (row["by"], row["project"]) == ("Alice", str(project.public_id))
    assert rows(Caller(token_of(people["Rita"])), "events") == []
    events.record(kind="token.created", text="of the server, not of a project", by=people["Alice"])
    assert rows(alice, "events", about="token") == []


def test_a_project_says_how_far_it_is_and_what_is_missing(alice: Caller, project: Project, pool: Pool, sent: Asset):
    path = f"/api/v1/forecast?project={project.public_id}"
    found = alice.get(path).json()
    assert (found["wanted"], found["budget_usd"], found["finish"]) == (10, "500.00", None)
    assert found["currency"] == "USD"
    assert [(one["id"], one["wanted"], one["currency"]) for one in found["pools"]] == [(pool.pk, 10, "USD")]
    assert alice.get(f"{path}&label_class=nothing").json()["pools"] == []


def test_a_plan_has_a_price_and_nothing_is_made(alice: Caller, project: Project):
    wish = {"recipe": "gestures", "name": "What if", "classes": ["call"], "wanted": 10, "platform": "rehearsal"}
    answer = alice.send("POST", "/api/v1/forecast", wish)
    found = answer.json()
    assert answer.status_code == 200, found
    assert [row["stage"] for row in found["as_is"]["rows"]] == ["collect", "validate", "boxes"]
    low, high = map(float, found["interval_usd"])
    assert low < float(found["as_is"]["total_usd"]) < high
    assert not Project.objects.filter(name="What if").exists()
    assert not Budget.objects.exclude(project_id=project.pk).exists()


def test_other_peoples_accounts_are_not_priced(alice: Caller):
    wish = {"recipe": "gestures", "name": "What if", "platform": "somebody-elses"}
    assert alice.send("POST", "/api/v1/forecast", wish).status_code in {400, 409}


def test_rows_of_other_projects_are_in_no_list(alice: Caller, sent: Asset, project: Project):
    theirs = make_project("Theirs", lead=make_user("Boris"))
    worker = make_worker("Walter")
    asset = make_asset(theirs, worker=worker)
    make_evidence(asset)
    make_consensus_of(asset)
    LedgerEntry.objects.create(
        project_id=theirs.pk, kind="charge", ref="assignment:9", source="held", target="workers", amount_micro=1
    )
    for path in ("annotations", "consensus", "evidence", "ledger", "events", "reviews", "assets"):
        assert {row["project"] for row in rows(alice, path)} <= {str(project.public_id)}, path
        assert rows(alice, path, project=theirs.public_id) == []
