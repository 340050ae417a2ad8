"""The system page: operators alone; dead jobs get another chance or an end, on record; the log tells who did what."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from curation.models import Event, Job, Project, User
from curation.services import events, second_factor

pytestmark = pytest.mark.django_db
PAGES = ("system", "system-processes", "system-log")


@pytest.fixture
def olaf(db) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("olaf@example.org", "Olaf"))
    return client


def dead(kind: str, project: Project | None = None) -> Job:
    return Job.objects.create(
        kind=kind,
        key="7",
        state=Job.State.DEAD,
        failures=12,
        last_error="OSError: no room",
        project_id=project.pk if project else None,
    )


@pytest.mark.parametrize("page", PAGES)
def test_only_operators_open_it(page: str, olaf: Client, people: dict[str, Client]):
    assert olaf.get(reverse(page)).status_code == 200
    assert {people[name].get(reverse(page)).status_code for name in ("alice", "rita", "charlie")} == {404}
    assert people["nobody"].get(reverse(page)).status_code == 302


def test_a_dead_job_is_tried_again_or_given_up_and_it_is_on_record(olaf: Client, people: dict[str, Client]):
    export, account = dead("export"), dead("check_account")
    assert "OSError: no room" in olaf.get(reverse("system")).content.decode()
    assert people["alice"].post(reverse("system-job", args=[export.pk, "retry"])).status_code == 404
    olaf.post(reverse("system-job", args=[export.pk, "retry"]))
    olaf.post(reverse("system-job", args=[account.pk, "give-up"]))
    states = dict(Job.objects.values_list("kind", "state"))
    assert states == {"export": Job.State.DUE, "check_account": Job.State.CANCELLED}
    assert set(Event.objects.values_list("kind", flat=True)) == {"job.retried", "job.given-up"}


def test_work_that_never_ends_is_not_given_up(olaf: Client):
    job = dead("take_in")
    answer = olaf.post(reverse("system-job", args=[job.pk, "give-up"]))
    assert answer.status_code == 400
    assert "cannot be given up" in answer.content.decode()
    assert "Give up</button>" not in answer.content.decode()


def test_an_operator_sees_no_project_of_others_by_its_jobs_or_its_record(olaf: Client, project: Project, alice):
    dead("export", project)
    events.record(kind="pool.changed", text="The secret price is 3.", project=project, by=alice)
    for page in ("system", "system-log"):
        text = olaf.get(reverse(page)).content.decode()
        assert project.name not in text
        assert "secret price" not in text
    assert "Alice" in olaf.get(reverse("system-log")).content.decode()


def test_the_log_is_narrowed_by_subject_person_and_day_and_turned_page_by_page(people, project: Project, alice, rita):
    for number in range(60):
        events.record(kind="pool.changed", text=f"pool {number}", project=project, by=alice)
    events.record(kind="member.added", text="rita adds", project=project, by=rita)
    events.record(kind="pool.closed", text="by itself", project=project)
    log = reverse("settings-log", args=[project.public_id])
    first = people["alice"].get(log)
    texts = [entry.text for entry in first.context["entries"]]
    assert (texts[0], len(texts)) == ("rita adds", 50)
    rest = people["alice"].get(log + first.context["older"])
    assert [entry.text for entry in rest.context["entries"]][-1] == "pool 0"
    assert not rest.context["older"]

    def told(query: str) -> list[str]:
        return [entry.text for entry in people["alice"].get(f"{log}?{query}").context["entries"]]

    assert told(f"person={rita.pk}") == told("about=member") == ["rita adds"]
    assert told("machine=yes")[0] == "by itself"
    assert told("until=2001-01-01") == []
    assert len(told(f"since={timezone.now():%Y-%m-%d}&person=x&before=-1")) == 50
    assert people["rita"].get(log).status_code == 404


def test_failed_sign_ins_and_resets_are_in_the_log_as_it_opens(olaf: Client, alice: User):
    stranger = Client()
    stranger.post(reverse("sign-in"), {"email": alice.email, "password": "a guess"})
    stranger.get(reverse("sign-in-link", args=["a-guess"]))
    second_factor.begin(user=alice)
    second_factor.reset(user=alice)
    events.record(kind="pool.closed", text="by itself")

    def told(query: str) -> list[tuple[str, str]]:
        entries = olaf.get(f"{reverse('system-log')}?{query}").context["entries"]
        return [(entry.who, entry.text) for entry in entries]

    failed = [
        ("somebody", "A sign-in link that was never given out came from an address."),
        ("somebody", "A wrong password came from an address."),
        ("somebody", "A wrong password was given for an account."),
    ]
    assert told("") == [("the operator", "Two-factor sign-in of Alice was reset by the operator."), *failed]
    assert told("about=sign_in") == failed


def test_the_storage_is_written_read_and_emptied(olaf: Client, people, project: Project):
    for client, address in (
        (olaf, reverse("system-storage")),
        (people["alice"], reverse("settings-storage-test", args=[project.public_id])),
    ):
        answer = client.post(address, headers={"HX-Request": "true"})
        steps = answer.context["steps"]
        assert [(step.what, step.is_well) for step in steps] == [("Write", True), ("Read", True), ("Delete", True)]
    assert people["rita"].post(reverse("settings-storage-test", args=[project.public_id])).status_code == 404
