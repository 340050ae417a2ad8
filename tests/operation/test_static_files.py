"""Static files as the web process answers them: whole, by parts, unchanged, and only those that were collected."""

from pathlib import Path
from typing import Any

import pytest
from django.http import Http404, HttpRequest, HttpResponse
from django.test import RequestFactory

from curation.middleware import StaticFilesMiddleware

STYLE = b"body { color: red; }"


@pytest.fixture
def door(tmp_path: Path, settings: Any) -> StaticFilesMiddleware:
    (tmp_path / "a.css").write_bytes(STYLE)
    settings.STATIC_ROOT = tmp_path

    def behind(_request: HttpRequest) -> HttpResponse:
        raise Http404

    return StaticFilesMiddleware(behind)


def test_a_static_file_is_answered_whole_with_its_type_and_length(door, rf: RequestFactory):
    answer = door(rf.get("/static/a.css"))
    assert not answer.streaming
    assert (answer.status_code, answer.content) == (200, STYLE)
    assert answer["Content-Type"].startswith("text/css")
    assert answer["Content-Length"] == str(len(STYLE))
    assert "max-age=" in answer["Cache-Control"]


def test_what_was_not_collected_is_handed_on(door, rf: RequestFactory):
    with pytest.raises(Http404):
        door(rf.get("/static/b.css"))


def test_a_head_a_part_and_an_unchanged_file_have_no_more_body_than_they_should(door, rf: RequestFactory):
    head = door(rf.head("/static/a.css"))
    assert (head.status_code, head.content, head["Content-Length"]) == (200, b"", str(len(STYLE)))
    part = door(rf.get("/static/a.css", headers={"Range": "bytes=0-3"}))
    assert (part.status_code, part.content, part["Content-Range"]) == (206, b"body", f"bytes 0-3/{len(STYLE)}")
    same = door(rf.get("/static/a.css", headers={"If-Modified-Since": head["Last-Modified"]}))
    assert (same.status_code, same.content) == (304, b"")
