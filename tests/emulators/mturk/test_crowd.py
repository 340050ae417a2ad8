"""Who answers: the simple crowd, a script, and a player of one's own."""

import json
import random
from pathlib import Path
from typing import Any

import httpx
import pytest

from crowd.emulators.mturk.players import GiveBack, HandIn, Leave, Outcome, Task
from crowd.emulators.mturk.script import Script, load_script
from tests.emulators.mturk.test_qualifications import exam, make, score
from tests.emulators.mturk.turk import Turk, form, html

CROWD_FORM = html(
    "<crowd-form><crowd-bounding-box name='annotatedResult' labels=\"['hand','face']\"></crowd-bounding-box>"
    "<crowd-classifier name='sign' categories=\"['fist', 'palm']\"></crowd-classifier></crowd-form>"
)


def answers(turk: Turk, hit: dict[str, Any]) -> list[str]:
    found = turk.client.list_assignments_for_hit(HITId=hit["HITId"], MaxResults=100)["Assignments"]
    return [work["Answer"] for work in found]


def test_a_crowd_fills_every_place_of_a_form(turk: Turk) -> None:
    hit = turk.hit(Question=form(sign=("fist", "palm"), why=()), MaxAssignments=4)
    turk.door("POST", "workers", people=6)
    assert turk.door("POST", "visits", count=60)["done"] == 4
    assert turk.status(hit) == "Reviewable"
    assert all("<SelectionIdentifier>" in answer and "<FreeText>" in answer for answer in answers(turk, hit))


def test_a_crowd_packs_boxes_into_task_answers(turk: Turk) -> None:
    hit = turk.hit(Question=CROWD_FORM, MaxAssignments=1)
    turk.door("POST", "workers", people=1)
    turk.door("POST", "visits", count=1)
    [answer] = answers(turk, hit)
    text = answer.partition("<FreeText>")[2].partition("</FreeText>")[0]
    [packed] = json.loads(text)
    assert packed["annotatedResult"]["inputImageProperties"] == {"width": 640, "height": 480}
    assert packed["annotatedResult"]["boundingBoxes"][0]["label"] in ("hand", "face")
    assert packed["sign"]["label"] in ("fist", "palm")


def test_a_crowd_takes_a_test_before_the_hit_that_needs_it(turk: Turk) -> None:
    type_id = exam(turk)
    needed = [{"QualificationTypeId": type_id, "Comparator": "GreaterThanOrEqualTo", "IntegerValues": [0]}]
    hit = turk.hit(Question=form(sign=("fist", "palm")), MaxAssignments=1, QualificationRequirements=needed)
    turk.door("POST", "workers", people=1)
    assert turk.door("POST", "visits", count=3)["done"] == 2
    assert turk.status(hit) == "Reviewable"


def test_external_questions_wait_for_a_player_who_can_drive_the_page(turk: Turk) -> None:
    class Visitor:
        """Opens the page and submits from there, as a browser does."""

        def play(self, task: Task, chance: random.Random) -> Outcome:
            assert task.url.startswith("https://winnow.example/x/mturk/7?")
            form = {"assignmentId": task.assignment_id, "winnow_submission": "u-1"}
            assert chance.random() < 1
            httpx.post(f"{task.submit_to}/mturk/externalSubmit", data=form, trust_env=False).raise_for_status()
            return Leave()

    hit = turk.hit(MaxAssignments=1)
    turk.door("POST", "workers", people=1)
    assert turk.door("POST", "visits", count=1)["done"] == 0
    turk.emulator.crowd.players["ExternalQuestion"] = Visitor()
    assert turk.door("POST", "visits", count=1)["done"] == 1
    assert "u-1" in answers(turk, hit)[0]


def test_a_player_may_give_a_hit_back(turk: Turk) -> None:
    class Picky:
        def play(self, task: Task, chance: random.Random) -> Outcome:
            return HandIn({"a": f"{chance.random()}"}) if "good" in task.annotation else GiveBack()

    bad = turk.hit(MaxAssignments=1, RequesterAnnotation="bad")
    good = turk.hit(MaxAssignments=1, RequesterAnnotation="good")
    turk.emulator.crowd.players["ExternalQuestion"] = Picky()
    turk.door("POST", "workers", people=3)
    turk.door("POST", "visits", count=20)
    assert (turk.status(bad), turk.status(good)) == ("Assignable", "Reviewable")


def test_a_script_is_done_as_it_is_written(turk: Turk) -> None:
    exam(turk)
    hit = turk.hit(RequesterAnnotation="bat-7")
    other = turk.hit(Title="Sort photos", MaxAssignments=1)
    script = Script(
        turk.emulator.service,
        {
            "workers": [
                {
                    "id": "AWANDA",
                    "country": "DE",
                    "visits": [
                        {"qualification": "Hands: exam", "answer": {"sign": "fist"}},
                        {"hit": {"annotation": "bat-*"}, "answer": {"label": "fist"}},
                        {"hit": {"title": "Sort*"}, "do": "leave"},
                    ],
                },
                {"id": "ACHARLIE", "visits": [{"hit": {"annotation": "bat-7"}, "do": "return"}]},
            ]
        },
    )
    while script.step():
        pass
    assert script.done
    [work] = turk.client.list_assignments_for_hit(HITId=hit["HITId"])["Assignments"]
    assert work["WorkerId"] == "AWANDA"
    assert turk.status(other) == "Unassignable"
    found = turk.client.list_qualification_types(MustBeRequestable=True)["QualificationTypes"]
    assert score(turk, found[0]["QualificationTypeId"], "AWANDA") == 2


def test_a_scripted_visit_waits_for_its_hit(turk: Turk) -> None:
    plain = {"workers": [{"id": "AWANDA", "visits": [{"hit": {"annotation": "late"}, "answer": {"a": "b"}}]}]}
    script = Script(turk.emulator.service, plain)
    assert script.step() == 0
    make(turk)
    hit = turk.hit(RequesterAnnotation="late", MaxAssignments=1)
    assert script.step() == 1
    assert turk.status(hit) == "Reviewable"


@pytest.mark.parametrize(
    "plain",
    [
        [],
        {"workers": 5},
        {"workers": [{"id": "AWANDA", "visits": [{"do": "dance"}]}]},
        {"workers": [{"id": "AWANDA", "visits": [{"what": 1}]}]},
        {"workers": [{"id": "AWANDA", "colour": "red"}]},
        {"workers": ["AWANDA"]},
        {"workers": [{"id": "wanda"}]},
    ],
)
def test_a_script_that_cannot_be_read_says_where(turk: Turk, plain: Any) -> None:
    with pytest.raises(ValueError, match=r"script|visit|worker"):
        Script(turk.emulator.service, plain)


def test_a_script_file_that_is_not_there_or_not_json_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        load_script(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(ValueError, match="is not JSON"):
        load_script(tmp_path / "bad.json")
