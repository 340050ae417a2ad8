"""What time has overtaken: nobody is signed in, nothing is sent before it was compared, the erased stay erased."""

import io
import re
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from crowd.errors import Unavailable
from crowd.models import Account, OutboxCommand
from crowd.services import dispatch, effects, holding, outbox, outbox_decisions
from curation.engine import market as engine
from curation.models import Asset, Erasure, Job, Session, SignInLink, Webhook
from curation.services import erasing, jobs, people, second_factor
from curation.services.backups import database, erased, files, restoring, settling
from curation.services.backups.taking import key_marks
from tests.crowd import market
from tests.factories import make_asset, make_project, make_user, make_worker
from tests.operation.test_archive import header

pytestmark = pytest.mark.django_db
State = OutboxCommand.State
NOW = timezone.now()


def settled() -> None:
    with connection.cursor() as cursor:
        for statement in settling.statements(header(id=str(uuid4()), rows={"curation_webhook": 1})):
            cursor.execute(statement)


def planned(platform: str, key: str, state: str = State.PLANNED) -> OutboxCommand:
    row = outbox.enqueue(kind="test", key=key, account=market.account(platform))
    OutboxCommand.objects.filter(pk=row.pk).update(next_at=NOW - timedelta(hours=1), state=state)
    return row


@pytest.fixture
def calls(monkeypatch) -> list[str]:
    """Return the keys of the commands that were carried out."""
    done: list[str] = []

    def effect(command: OutboxCommand, _now: object) -> dict[str, str]:
        done.append(command.key)
        return {}

    monkeypatch.setitem(dispatch.KINDS, "test", effects.Kind(effect))
    return done


def test_sessions_and_unused_links_end_and_jobs_under_way_begin_again():
    Session.objects.create(session_key="k", session_data="d", expire_date=NOW + timedelta(days=1))
    link = people.sign_in_link(user=make_user("Alice"), base_url="http://here")
    token = re.search(r"link/([^/]+)/", link)[1]
    job = Job.objects.create(kind="publish", key="1", state=Job.State.RUNNING, lease_until=NOW)
    settled()
    assert not Session.objects.exists()
    assert not people.link_is_good(token=token, now=NOW)
    assert SignInLink.objects.get().used_at is not None
    job.refresh_from_db()
    assert (job.state, job.lease_until) == (Job.State.DUE, None)


def test_nothing_is_sent_elsewhere_until_reconcile_has_compared_and_our_own_market_goes_on(calls):
    planned("toloka", "there")
    planned("inhouse", "here")
    settled()
    dispatch.drain(now=NOW)
    assert calls == ["here"]
    assert [slug for _, slug in dispatch.accounts_due(now=NOW)] == []
    call_command("reconcile")
    dispatch.drain(now=NOW)
    assert calls == ["here", "there"]


def test_webhooks_are_switched_off_and_counted():
    urls = ("https://a.example/in", "https://b.example/in")
    before, off = (Webhook.objects.create(project=make_project(), url=url, topics=[]) for url in urls)
    Webhook.objects.filter(pk=off.pk).update(is_active=False, note="by its owner")
    settled()
    before.refresh_from_db()
    off.refresh_from_db()
    assert (before.is_active, before.note) == (False, "switched off by a restore from a backup")
    assert (off.note, settling.webhooks_off()) == ("by its owner", 1)


def test_a_disk_that_fills_up_while_a_file_is_put_back_leaves_no_part_of_it():
    class Full(io.BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().read(3)

    written: list[str] = []
    with pytest.raises(OSError, match="No space"):
        files.put_back("assets/half.jpg", Full(b"abcdef"), written)
    assert default_storage.exists("assets/half.jpg")
    files.take_away(written)
    assert not default_storage.exists("assets/half.jpg")


def test_what_was_being_sent_is_unknown_and_is_looked_at_before_it_goes_again(calls):
    row = planned("toloka", "there", State.SENDING)
    settled()
    row.refresh_from_db()
    assert row.state == State.UNKNOWN
    dispatch.sweep(now=NOW)
    dispatch.drain(now=NOW)
    row.refresh_from_db()
    assert (row.state, calls) == (State.PLANNED, [])


def test_a_hold_says_what_to_do_and_stays_while_the_platform_does_not_answer(calls, monkeypatch):
    there = planned("toloka", "there")
    settled()
    hold = OutboxCommand.objects.get(kind=holding.KIND)
    assert (hold.account_id, hold.state) == (there.account_id, State.NEEDS_PERSON)
    assert "./winnow reconcile" in hold.last_error
    batch = market.batch(at=there.account, remote_id="7")
    monkeypatch.setattr("crowd.services.pulling.pull_batch", _silent)
    compared_again(hold)
    assert (hold.state, calls) == (State.NEEDS_PERSON, [])
    assert "could not be asked" in hold.last_error
    monkeypatch.setattr("crowd.services.pulling.pull_batch", _broken)
    compared_again(hold)
    assert (hold.state, Job.objects.get(kind="compare_held").failures, calls) == (State.PLANNED, 1, [])
    OutboxCommand.objects.filter(pk=hold.pk).update(state=State.DEAD)
    assert dispatch.due_ids(now=NOW) == []
    batch.delete()
    Job.objects.all().delete()
    compared_again(hold)
    assert (hold.state, calls) == (State.DONE, ["there"])


def test_an_account_out_of_use_is_held_until_it_is_compared_in_use():
    account = planned("toloka", "there").account
    Account.objects.filter(pk=account.pk).update(is_active=False)
    settled()
    call_command("reconcile")
    assert list(holding.held()) == [account.pk]
    Account.objects.filter(pk=account.pk).update(is_active=True)
    call_command("reconcile")
    assert list(holding.held()) == []


def compared_again(hold: OutboxCommand) -> None:
    """Press "Again", and do what the tick and its jobs do then."""
    outbox_decisions.send_again(command_id=hold.pk, now=NOW)
    assert dispatch.drain(now=timezone.now()) == 0
    engine.send_due(now=timezone.now())
    job = Job.objects.get(kind="compare_held")
    assert jobs.run(job_id=job.pk, now=timezone.now())
    hold.refresh_from_db()
    dispatch.drain(now=timezone.now())


def _broken(**_: object) -> None:
    raise RuntimeError("adapter")


def _silent(**_: object) -> None:
    raise Unavailable("It does not answer.")


def test_rows_and_sums_other_than_the_backups_undo_the_restore():
    rows, sums = database.row_counts(), database.ledger_sums()
    with connection.cursor() as cursor:
        cursor.execute(database.same_rows(rows, sums))
        for wrong, words in (
            (database.same_rows({**rows, "curation_user": 77}, sums), "table curation_user has 0 rows instead of 77"),
            (database.same_rows(rows, {"USD charge held > workers": [1, 30_000]}), "the ledger adds up to 0"),
        ):
            cursor.execute("SAVEPOINT before")
            with pytest.raises(Exception, match=words):
                cursor.execute(wrong)
            cursor.execute("ROLLBACK TO before")


def test_whoever_was_erased_after_the_backup_is_erased_again_once(tmp_path):
    project, wanda = make_project(), make_worker()
    picture = make_asset(project, Asset.State.PUBLISHED, worker=wanda)
    first = erasing.erase(project=project, worker=wanda, note="asked", by=None, now=NOW)
    jobs.run(job_id=Job.objects.get(kind="erase").pk, now=timezone.now())
    erased.write_beside(tmp_path)
    erased.write_beside(tmp_path)
    notes = erased.notes_beside(tmp_path)
    assert [note["pseudonym"] for note in notes.values()].count(wanda.short_id) == 1
    assert set(erased.notes_in_storage()) >= {str(first.public_id)}

    Erasure.objects.all().delete()  # as in a backup from before
    Job.objects.all().delete()
    key = default_storage.save("assets/back.jpg", ContentFile(b"hand"))
    Asset.objects.filter(pk=picture.pk).update(worker_id=wanda.pk, storage_key=key, state="published", reason="")
    assert erased.erase_again(notes=notes, now=timezone.now()) == 1
    assert erased.erase_again(notes=notes, now=timezone.now()) == 0
    picture.refresh_from_db()
    assert (picture.storage_key, picture.worker_id) == ("", None)
    assert not default_storage.exists(key)
    assert Erasure.objects.get().public_id == first.public_id


def test_a_restore_that_breaks_off_after_its_rows_came_back_erases_again_at_the_first_start():
    project, wanda = make_project(), make_worker()
    picture = make_asset(project, Asset.State.PUBLISHED, worker=wanda)
    note = {"erasure": str(uuid4()), "project": str(project.public_id), "worker": wanda.pk}
    notes = {note["erasure"]: {**note, "pseudonym": wanda.short_id}}
    assert len(list(erased.add_to_storage(notes))) == 1
    assert list(erased.add_to_storage(notes)) == []
    settled()
    (job_id,) = [pk for pk, _ in jobs.to_ring(now=timezone.now())]
    assert jobs.run(job_id=job_id, now=timezone.now())
    picture.refresh_from_db()
    assert (picture.worker_id, str(Erasure.objects.get().public_id)) == (None, note["erasure"])


def test_second_factors_behind_lost_keys_are_told_with_the_way_in():
    second_factor.begin(user=make_user("Alice"))
    assert "--reset-two-factor" in restoring._about_keys(header(key_marks=["elsewhere"]), in_place=False)
    assert restoring._about_keys(header(key_marks=key_marks()), in_place=False) == ""
