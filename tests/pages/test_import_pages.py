"""Imports in the browser: a package is sent, counted, and taken in under the classes that are chosen."""

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from curation.models import Asset, DatasetImport, FileUpload, Membership, Project
from curation.services import import_requests
from tests.api.conftest import carry_out
from tests.api.test_imports import TWO, line, package, stored
from tests.factories import make_project, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def led() -> Project:
    return make_project(lead=make_user("Alice"))


@pytest.fixture
def alice(led: Project) -> Client:
    browser = Client()
    browser.force_login(Membership.objects.get(project=led).user)
    return browser


def ask(alice: Client, led: Project, data: bytes = b"", **more: str) -> tuple[int, str]:
    file = {"file": SimpleUploadedFile("openset.zip", data)} if data else {}
    answer = alice.post(reverse("import-ask", args=[led.public_id]), {**file, **more}, follow=True)
    carry_out("import_dataset")
    return answer.status_code, answer.content.decode()


def test_a_package_is_counted_and_taken_in_by_the_choice_of_classes(alice: Client, led: Project):
    assert ask(alice, led, package(*TWO), licence="CC0-1.0")[0] == 200
    row = DatasetImport.objects.get()
    place = reverse("import", args=[led.public_id, row.public_id])
    page = alice.get(place).content.decode()
    assert "Does it hold your classes?" in page
    assert 'name="class-1"' in page
    start = reverse("import-start", args=[led.public_id, row.public_id])
    refused = alice.post(start, {"class-0": "", "class-1": ""})
    assert (refused.status_code, "Every class is left out" in refused.content.decode()) == (400, True)
    alice.post(start, {"class-0": "peace", "class-1": ""})
    carry_out("import_dataset")
    row.refresh_from_db()
    assert (row.state, row.result["new"], row.result["left_out"]) == ("done", 1, 1)
    assert Asset.objects.get(project=led).licence == "CC0-1.0"
    assert "What came of it" in alice.get(place).content.decode()


def test_an_import_without_a_package_is_refused_and_holds_nothing(alice: Client, led: Project):
    status, page = ask(alice, led)
    assert (status, "Choose a package" in page) == (400, True)
    assert not DatasetImport.objects.exists()
    assert not FileUpload.objects.exists()


def test_an_import_is_cancelled_from_its_page(alice: Client, led: Project):
    ask(alice, led, package(*TWO))
    row = DatasetImport.objects.get()
    answer = alice.post(reverse("import-cancel", args=[led.public_id, row.public_id]), follow=True)
    assert "is cancelled; nothing of it is left" in answer.content.decode()
    row.refresh_from_db()
    assert row.state == DatasetImport.State.CANCELLED


def test_an_import_that_cannot_be_keeps_no_file(
    alice: Client, led: Project, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
):
    before = stored()
    monkeypatch.setattr(import_requests, "MOST_OPEN", 0)
    with django_capture_on_commit_callbacks(execute=True):
        status, page = ask(alice, led, package(*TWO))
    assert (status, "start or cancel some" in page) == (400, True)
    assert stored() == before
    assert FileUpload.objects.get().state == FileUpload.State.REFUSED


def test_a_data_set_of_very_many_classes_can_be_taken_in(alice: Client, led: Project):
    lines = [line("0.jpg"), *(line("1.jpg", f"theirs {number:04}") for number in range(1_100))]
    ask(alice, led, package(*lines))
    row = DatasetImport.objects.get()
    page = alice.get(reverse("import", args=[led.public_id, row.public_id])).content.decode()
    names = re.findall(r'<select[^>]* name="(class-\d+)"', page)
    assert len(names) == 500
    assert "601 more with fewer pictures are not shown" in page
    peace = names[0]
    form = {name: "peace" if name == peace else "" for name in names}
    assert alice.post(reverse("import-start", args=[led.public_id, row.public_id]), form).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.names) == ("taking_in", {"peace": "peace"})
