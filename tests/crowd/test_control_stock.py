"""The control tasks of a pool: how far they go, and which of them are bad."""

import pytest

from crowd.errors import CrowdError
from crowd.models import Batch, SkillValue, Task, Worker
from crowd.services import control_stock
from tests.crowd import market

pytestmark = pytest.mark.django_db


@pytest.fixture
def watched() -> Batch:
    """Pages of two tasks, one of them the pool's only control task."""
    batch = market.batch(page_size=2, control_per_page=1)
    market.tasks(batch, 40)
    market.tasks(batch, known="correct")
    return batch


def answered(batch: Batch, *answers: str, skill: int = 85) -> list[Worker]:
    """Somebody new gives each of these answers; afterwards all of them are known to be this good."""
    people = [market.sent(batch, market.worker(batch.account), answer=answer).worker for answer in answers]
    SkillValue.objects.filter(worker__in=people).update(value=skill)
    return people


def found(batch: Batch) -> control_stock.ControlStock:
    stock = control_stock.control_stock(batch)
    assert stock is not None
    return stock


def test_a_pool_without_control_tasks_has_nothing_to_tell():
    assert control_stock.control_stock(market.batch()) is None
    assert control_stock.control_stock(market.batch(kind="exam", control_per_page=1)) is None


def test_it_tells_how_far_the_tasks_go_and_what_they_add_to_the_price():
    batch = market.batch(page_size=10, control_per_page=1)
    market.tasks(batch, 28, known="correct")
    stock = found(batch)
    says = "28 control tasks last for 280 answers of one worker and add 11.1 % to the price of the work."
    assert (stock.says, stock.warning) == (says, "")
    Batch.objects.filter(pk=batch.pk).update(per_worker=270)
    batch.refresh_from_db()
    warning = "300 answers a worker need 30 control tasks, the pool has 28. Who has met all of them is watched no more."
    assert found(batch).warning == warning


def test_without_a_limit_the_most_diligent_worker_is_the_measure(watched):
    wanda = market.worker(watched.account)
    market.sent(watched, wanda)
    assert found(watched).warning == ""
    market.sent(watched, wanda)
    assert found(watched).warning.startswith("3 answers a worker need 2 control tasks, the pool has 1")


def test_an_adaptive_pool_is_measured_by_its_schedule():
    batch = market.batch(page_size=10, control_per_page=1, per_worker=450, spec={"control_rate": "adaptive"})
    market.tasks(batch, 20, known="correct")
    assert "a fifth of the work until 15 are seen" in found(batch).says
    assert "500 answers a worker need 28 control tasks, the pool has 20" in found(batch).warning


def test_a_control_task_that_good_workers_fail_is_shown_and_can_be_retired(watched):
    answered(watched, *["correct"] * 4, *["incorrect"] * 2)
    (bad,) = found(watched).bad
    assert (bad.sentence, bad.about) == ("2 of 6 good workers fail it", "peace: correct")
    assert bad.picture.startswith("/x/media/")
    control_stock.retire(batch=watched, task_id=bad.task_id)
    assert Task.objects.get(pk=bad.task_id).cancelled
    assert (found(watched).stock, found(watched).bad) == (0, ())
    with pytest.raises(CrowdError, match="no such control task"):
        control_stock.retire(batch=watched, task_id=bad.task_id)


def test_what_clickers_fail_is_not_bad_and_a_real_task_is_never_retired(watched):
    answered(watched, *["incorrect"] * 6, skill=60)
    answered(watched, *["correct"] * 5)
    assert found(watched).bad == ()
    real = Task.objects.filter(batch=watched, known_answer__isnull=True).first()
    with pytest.raises(CrowdError, match="no such control task"):
        control_stock.retire(batch=watched, task_id=real.pk)


def test_where_a_platform_mixes_pages_itself_an_adaptive_pool_is_told_to_be_a_fixed_one():
    batch = market.batch(at=market.account("toloka"), page_size=10, control_per_page=1)
    batch.spec = {**batch.spec, "control_rate": "adaptive"}
    batch.save(update_fields=["spec"])
    market.tasks(batch, 28, known="correct")
    assert found(batch).says == (
        "28 control tasks last for 280 answers of one worker and add 11.1 % to the price of the work. "
        "This platform mixes its pages itself: as many on every page, not many at first."
    )
