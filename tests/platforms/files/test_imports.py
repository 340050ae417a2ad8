"""Tables that come back: tried first, taken in once, paid within what the vendor charges."""

import json

import pytest
from django.core.files.storage import default_storage

from crowd.errors import CrowdError
from crowd.models import Account, Answer, Assignment, Batch, Worker
from crowd.platforms.tagme_files import results
from crowd.platforms.tagme_files.store import Folder
from crowd.services import ledger, pulling, reconcile, vendor_exchange, vendor_files
from crowd.services.vendor_files import Columns
from crowd.vendor_tables import Table, read_table
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
COLUMNS = Columns(task="file", worker="worker", answer="answer", end="end", status="status")


def table(*lines: str) -> Table:
    return read_table("\n".join(["file,worker,answer,end,status", *lines]).encode(), "results.csv")


@pytest.fixture
def line(tasks):
    """A row about the n-th task."""

    def write(
        number: int, worker: str, answer: str = "correct", end: str = "2026-05-04T11:00:00Z", status: str = "done"
    ):
        return f"{tasks[number].key}.jpg,{worker},{answer},{end},{status}"

    return write


@pytest.fixture
def bring(batch):
    return lambda *lines: vendor_files.bring_in(batch=batch, table=table(*lines), columns=COLUMNS, now=NOON)


@pytest.fixture
def trial(batch):
    return lambda *lines: vendor_files.examine(batch=batch, table=table(*lines), columns=COLUMNS, now=NOON)


def test_a_trial_counts_and_changes_nothing(trial, line, folder):
    found = trial(line(0, "w1"), line(1, "w1"), "nothing.jpg,w1,correct,,", line(2, "", "correct"))
    assert (found.rows, len(found.new), found.existing) == (4, 2, 0)
    assert [one.line for one in found.unmapped] == [4, 5]
    assert found.unmapped[0].sentence == "Line 4: 'nothing.jpg' is no task of this pool."
    assert not Assignment.objects.exists()
    assert list(results.stored(folder)) == []


def test_results_come_in_as_pages_of_the_vendors_workers(bring, line, batch, tasks):
    done = bring(line(0, "w1"), line(0, "w2", "incorrect"), line(1, "w1"))
    assert (done.new, done.existing, done.unmapped, list(done.refused)) == (3, 0, 0, [])
    assert set(Worker.objects.filter(account=batch.account).values_list("ext_id", flat=True)) == {"w1", "w2"}
    answers = Answer.objects.filter(task=tasks[0]).order_by("worker__ext_id")
    assert [answer.raw.payload for answer in answers] == [{"answer": "correct"}, {"answer": "incorrect"}]
    assert Assignment.objects.first().submitted_at.isoformat() == "2026-05-04T11:00:00+00:00"
    tasks[0].refresh_from_db()
    assert (tasks[0].issued, tasks[0].done) == (2, 2)


def test_the_same_table_again_adds_nothing(bring, line, folder):
    lines = [line(0, "w1"), line(1, "w1")]
    bring(*lines)
    done = bring(*lines, line(2, "w1"))
    assert (done.new, done.existing) == (1, 2)
    assert Assignment.objects.count() == 3
    assert len(list(results.stored(folder))) == 3


def test_the_same_row_twice_in_one_table_is_one(bring, line):
    assert bring(line(0, "w1"), line(0, "w1")).new == 1


def test_another_answer_of_the_same_worker_is_refused_with_its_line(bring, line, trial):
    bring(line(0, "w1"))
    (one,) = trial(line(0, "w1", "incorrect")).unmapped
    assert one.sentence.startswith("Line 2: worker w1 has answered")
    bring(line(0, "w1", "incorrect"))
    assert Answer.objects.get().raw.payload == {"answer": "correct"}


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("0", "w1", "maybe", "", ""), "'maybe' is not one of the answers"),
        (("0", "w1", "", "", ""), "the answer is empty"),
        (("0", "w1", "correct", "soon", ""), "'soon' is no date"),
        (("0", "w1", "correct", "", "rejected"), "the status 'rejected' is none of"),
        (("0", "w" * 201, "correct", "", ""), "the worker needs 1 to 200"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(trial, tasks, cells, words):
    number, *rest = cells
    (one,) = trial(",".join([tasks[int(number)].key, *rest])).unmapped
    assert words in one.sentence


def test_a_skipped_task_is_not_paid_and_stays_wanted(bring, line, tasks, batch):
    assert bring(line(0, "w1", "", status="skipped")).new == 1
    page = Assignment.objects.get()
    assert (page.state, page.price_micro) == ("skipped", 0)
    tasks[0].refresh_from_db()
    assert tasks[0].done == 0


@pytest.mark.parametrize("name", ["{}", "{}.jpg", "media/{}.jpg", "C:\\media\\{}.png", "https://x/y/{}.jpg"])
def test_a_task_is_found_by_any_spelling_of_its_file(trial, tasks, name):
    assert len(trial(f"{name.format(tasks[0].key)},w1,correct,,").new) == 1


@pytest.mark.parametrize(
    ("left", "kept"), [(64, {"x": 0.1, "w": 0.5}), (480, {"x": 0.75, "w": 0.25}), (-32, {"x": 0.0, "w": 0.45})]
)
def test_boxes_in_pixels_become_fractions_cut_at_the_border(make_batch, left, kept):
    batch = make_batch("boxes", 1)
    task = batch.tasks.get()
    box = {"label": "gesture", "left": left, "top": 48, "width": 320, "height": 240}
    data = json.dumps([{"file": task.key, "worker": 7, "answer": [box]}]).encode()
    columns = Columns(task="file", worker="worker", answer="answer")
    vendor_files.bring_in(batch=batch, table=read_table(data, "a.json"), columns=columns, now=NOON)
    (found,) = Answer.objects.get().raw.payload["boxes"]
    assert found == {"label": "gesture", "y": 0.1, "h": 0.5, **kept}
    assert Worker.objects.get(account=batch.account).ext_id == "7"


# --- money ---
def test_without_a_cost_each_answer_costs_its_share_of_a_page(bring, line, batch):
    bring(line(0, "w1"), line(1, "w1"))
    assert ledger.totals(project_id=batch.project_id).paid_micro == 60_000


def test_the_answers_of_a_batch_cost_together_what_was_entered(bring, line, batch):
    vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=1_000_000)
    batch.refresh_from_db()
    bring(*[line(number, "w1") for number in range(3)])
    bring(*[line(number, "w2") for number in range(3)])
    prices = list(Assignment.objects.order_by("id").values_list("price_micro", flat=True))
    assert (len(prices), sum(prices)) == (6, 1_000_000)
    assert max(prices) - min(prices) <= 1
    assert ledger.totals(project_id=batch.project_id).paid_micro == 1_000_000


def test_more_answers_than_were_asked_for_cost_nothing(bring, line, batch):
    vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=1_000_000)
    batch.refresh_from_db()
    bring(*[line(number, worker) for worker in ("w1", "w2", "w3") for number in range(3)])
    assert sum(Assignment.objects.values_list("price_micro", flat=True)) == 1_000_000


def test_a_cost_that_is_entered_later_counts_for_the_rest(bring, line, batch):
    bring(line(0, "w1"))
    vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=1_030_000)
    batch.refresh_from_db()
    bring(*[line(number, "w2") for number in range(3)], line(1, "w1"), line(2, "w1"))
    assert sum(Assignment.objects.values_list("price_micro", flat=True)) == 1_030_000


def test_nobody_works_below_nothing(batch):
    with pytest.raises(CrowdError, match="0 or more"):
        vendor_exchange.enter_cost(batch_id=batch.pk, cost_micro=-1)


def test_local_and_far_side_agree_after_an_import(bring, line, batch):
    bring(line(0, "w1"), line(0, "w2"), line(1, "w1", "", status="skipped"))
    Batch.objects.filter(pk=batch.pk).update(state=Batch.State.OPEN)
    assert reconcile.reconcile(account=batch.account, now=NOON) == []


def test_a_table_too_long_to_wait_for_is_stored_and_comes_in_with_the_next_pull(bring, line, batch, monkeypatch):
    monkeypatch.setattr(vendor_files, "SECONDS_AT_ONCE", -1.0)
    done = bring(line(0, "w1"), line(1, "w1"))
    assert (done.new, done.under_way, Assignment.objects.count()) == (2, True, 0)
    pulling.pull_batch(batch_id=batch.pk, now=NOON)
    assert Assignment.objects.count() == 2


# --- columns ---
def test_columns_are_guessed_remembered_and_guessed_again_when_they_do_not_fit(batch):
    exported = read_table(b"INPUT:image,ASSIGNMENT:worker_id,OUTPUT:markup\n", "a.csv")
    guessed = vendor_files.columns_for(account=batch.account, interface="choice", table=exported)
    assert (guessed.task, guessed.worker, guessed.answer) == ("INPUT:image", "ASSIGNMENT:worker_id", "OUTPUT:markup")
    mine = Columns(task="ASSIGNMENT:worker_id", worker="INPUT:image", answer="OUTPUT:markup")
    vendor_files.save_columns(account_id=batch.account_id, interface="choice", columns=mine)
    account = Account.objects.get(pk=batch.account_id)
    assert vendor_files.columns_for(account=account, interface="choice", table=exported) == mine
    assert vendor_files.columns_for(account=account, interface="boxes", table=exported) == guessed
    other = read_table(b"task,worker,answer\n", "a.csv")
    assert vendor_files.columns_for(account=account, interface="choice", table=other).task == "task"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (Columns(worker="worker", answer="answer"), "Choose the column that holds the task"),
        (Columns(task="file", worker="worker", answer="nothing"), "no column 'nothing' for the answer"),
        (Columns(task="file", worker="file", answer="answer"), "'file' is chosen twice"),
    ],
)
def test_a_mapping_that_cannot_be_is_refused(batch, columns, words):
    with pytest.raises(CrowdError, match=words):
        vendor_files.examine(batch=batch, table=table(), columns=columns, now=NOON)


def test_two_imports_at_once_are_one_after_the_other(batch, bring, line):
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connection

    def other() -> str:
        try:
            with vendor_files._only_import(batch):
                return "let in"
        except CrowdError as refusal:
            return str(refusal)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with vendor_files._only_import(batch):
            assert "under way" in pool.submit(other).result()
        assert pool.submit(other).result() == "let in"


def test_stored_results_are_whole_or_absent(folder: Folder, monkeypatch):
    rows = [{"page": f"{folder.remote_id}:1", "task": "t", "worker": "w", "state": "submitted", "price_micro": 1}]

    class Torn(Exception):
        pass

    def tear(*_: object) -> None:
        raise Torn

    with monkeypatch.context() as moment:
        moment.setattr("pathlib.Path.replace", tear)
        with pytest.raises(Torn):
            results.append(folder, rows)
    assert list(results.stored(folder)) == []
    assert default_storage.listdir(folder.path)[1] == ["batch.json"]
