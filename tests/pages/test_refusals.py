"""What a person reads when a request goes wrong: a page with a way on, and nothing of how the product is built."""

import pytest
from django.test import Client
from django.urls import reverse

from curation.services import guides
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def test_a_fault_of_ours_is_told_as_ours_with_a_way_on(monkeypatch):
    def broken(name: str) -> str:
        raise ValueError("a secret of the house")

    client = Client(raise_request_exception=False)
    client.force_login(make_user("Alice"))
    monkeypatch.setattr(guides, "html_of", broken)
    answer = client.get(reverse("help"))
    text = answer.content.decode()
    assert answer.status_code == 500
    assert "Something went wrong here" in text
    assert 'href="/"' in text
    assert "secret of the house" not in text
    assert "<script" not in text


def test_a_form_of_a_page_that_was_open_for_too_long_says_what_to_do():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user("Alice"))
    answer = client.post(reverse("theme"), {"theme": "dark"})
    assert answer.status_code == 403
    assert "reload the page and send it once more" in answer.content.decode()
