"""The worker's browser: addresses, pages, and the form that comes back."""

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.emulators.mturk.turk import Turk, form, html

PAGE = html(
    "<form action='https://www.mturk.com/mturk/externalSubmit'><input name=assignmentId type=hidden>"
    "<input type=radio name=sign value=fist><input type=radio name=sign value=palm><textarea name=note></textarea>"
    "</form>"
)


def post(turk: Turk, path: str = "/mturk/externalSubmit", **fields: object) -> httpx.Response:
    return turk.http.post(f"{turk.emulator.url}{path}", data=fields)


def test_the_frame_s_address_names_assignment_hit_worker_and_where_to_submit(turk: Turk) -> None:
    hit, wanda = turk.hit(), turk.worker("AWANDA")
    taken = turk.accept(hit, wanda)
    address = urlsplit(taken["url"])
    assert (address.hostname, address.path) == ("winnow.example", "/x/mturk/7")
    assert parse_qs(address.query) == {
        "batch": ["b1"],
        "page": ["2"],
        "assignmentId": [taken["assignment_id"]],
        "hitId": [hit["HITId"]],
        "workerId": ["AWANDA"],
        "turkSubmitTo": [turk.emulator.url],
    }


def test_a_preview_has_no_assignment(turk: Turk) -> None:
    hit = turk.hit()
    address = turk.door("POST", f"workers/{turk.worker()}/preview", hit_id=hit["HITId"])["url"]
    assert parse_qs(urlsplit(address).query)["assignmentId"] == ["ASSIGNMENT_ID_NOT_AVAILABLE"]
    refused = post(turk, assignmentId="ASSIGNMENT_ID_NOT_AVAILABLE", label="fist")
    assert (refused.status_code, "accept the HIT" in refused.text) == (400, True)


def test_an_external_form_hands_in_its_fields(turk: Turk) -> None:
    taken = turk.accept(turk.hit())["assignment_id"]
    fields = {"winnow_submission": "5f2c", "sign": ["fist", "palm"], "hitId": "ignored", "workerId": "ignored"}
    assert post(turk, assignmentId=taken, **fields).status_code == 200
    answer = turk.assignment(taken)["Answer"]
    assert "<QuestionIdentifier>winnow_submission</QuestionIdentifier><FreeText>5f2c</FreeText>" in answer
    assert "<FreeText>fist|palm</FreeText>" in answer
    assert "ignored" not in answer


def test_fields_may_come_with_the_address_or_as_parts(turk: Turk) -> None:
    hit = turk.hit()
    first, second = turk.accept(hit)["assignment_id"], turk.accept(hit)["assignment_id"]
    assert post(turk, f"/mturk/externalSubmit?assignmentId={first}&label=fist").status_code == 200
    parts = {"assignmentId": (None, second), "label": (None, "Hände")}
    assert turk.http.post(f"{turk.emulator.url}/mturk/externalSubmit", files=parts).status_code == 200
    assert "<FreeText>fist</FreeText>" in turk.assignment(first)["Answer"]
    assert "<FreeText>Hände</FreeText>" in turk.assignment(second)["Answer"]


def test_a_form_is_taken_once_and_not_after_its_time(turk: Turk) -> None:
    hit = turk.hit()
    first, second = turk.accept(hit)["assignment_id"], turk.accept(hit)["assignment_id"]
    assert post(turk, assignmentId=first, label="fist").status_code == 200
    assert post(turk, assignmentId=first, label="palm").status_code == 400
    assert "<FreeText>fist</FreeText>" in turk.assignment(first)["Answer"]
    turk.later(minutes=31)
    assert post(turk, assignmentId=second, label="fist").status_code == 400
    assert turk.door("GET", f"assignments/{second}")["state"] == "Abandoned"


def test_a_form_without_an_answer_or_an_assignment_is_refused(turk: Turk) -> None:
    taken = turk.accept(turk.hit())["assignment_id"]
    assert post(turk, assignmentId=taken).status_code == 400
    assert post(turk, label="fist").status_code == 400
    assert post(turk, assignmentId="3NOTHING", label="fist").status_code == 400
    assert turk.door("GET", f"assignments/{taken}")["state"] == "Accepted"


def test_signs_that_no_xml_can_hold_do_not_break_the_answer(turk: Turk) -> None:
    taken = turk.accept(turk.hit())["assignment_id"]
    assert post(turk, assignmentId=taken, label="a\x00b\x0bc]]>").status_code == 200
    assert "<FreeText>abc]]&gt;</FreeText>" in turk.assignment(taken)["Answer"]


def test_an_html_question_is_shown_and_submits_here_instead_of_to_the_service(turk: Turk) -> None:
    taken = turk.accept(turk.hit(Question=PAGE))
    shown = turk.http.get(taken["url"])
    assert f"{turk.emulator.url}/mturk/externalSubmit" in shown.text
    assert "www.mturk.com" not in shown.text


def test_a_question_form_is_shown_as_a_form_and_answers_with_selections(turk: Turk) -> None:
    taken = turk.accept(turk.hit(Question=form(sign=("fist", "palm"), why=())))
    shown = turk.http.get(taken["url"]).text
    assert '<input type="radio" name="sign" value="palm">' in shown
    assert f'value="{taken["assignment_id"]}"' in shown
    post(turk, assignmentId=taken["assignment_id"], sign="palm", why="because")
    answer = turk.assignment(taken["assignment_id"])["Answer"]
    assert "<SelectionIdentifier>palm</SelectionIdentifier>" in answer
    assert "<FreeText>because</FreeText>" in answer


def test_a_page_of_no_hit_is_not_found(turk: Turk) -> None:
    assert turk.http.get(f"{turk.emulator.url}/mturk/page?hitId=3NOTHING").status_code == 404
