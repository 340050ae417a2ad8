"""A requester with the official client, and the workers, as tests tell stories about them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config

from crowd.emulators.mturk import MTurkEmulator
from crowd.emulators.mturk.documents import SCHEMAS
from tests.emulators.mturk.shapes import check_answer

MORNING = datetime(2026, 11, 20, 10, tzinfo=UTC)
SESSION = boto3.Session(aws_access_key_id="AKIAALICE", aws_secret_access_key="secret", region_name="us-east-1")

EXTERNAL = (
    f'<ExternalQuestion xmlns="{SCHEMAS}2006-07-14/ExternalQuestion.xsd">'
    "<ExternalURL>https://winnow.example/x/mturk/7?batch=b1&amp;page=2</ExternalURL><FrameHeight>0</FrameHeight>"
    "</ExternalQuestion>"
)


def html(body: str) -> str:
    return (
        f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd"><HTMLContent><![CDATA[<!DOCTYPE html>{body}]]>'
        "</HTMLContent><FrameHeight>450</FrameHeight></HTMLQuestion>"
    )


def form(**questions: tuple[str, ...]) -> str:
    """Write a QuestionForm; no choices mean free text."""
    body = "".join(_question(name, choices) for name, choices in questions.items())
    return f'<QuestionForm xmlns="{SCHEMAS}2017-11-06/QuestionForm.xsd">{body}</QuestionForm>'


def _question(name: str, choices: tuple[str, ...]) -> str:
    selections = "".join(
        f"<Selection><SelectionIdentifier>{choice}</SelectionIdentifier><Text>{choice}</Text></Selection>"
        for choice in choices
    )
    answer = (
        f"<SelectionAnswer><Selections>{selections}</Selections></SelectionAnswer>" if choices else "<FreeTextAnswer/>"
    )
    return (
        f"<Question><QuestionIdentifier>{name}</QuestionIdentifier><QuestionContent><Text>?</Text></QuestionContent>"
        f"<AnswerSpecification>{answer}</AnswerSpecification></Question>"
    )


def answer_key(mapping: str = "", **scores: dict[str, int]) -> str:
    """Write an AnswerKey: question → selections (joined by a plus) → score."""
    questions = "".join(_graded(name, options) for name, options in scores.items())
    return f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd">{questions}{mapping}</AnswerKey>'


def _graded(name: str, options: dict[str, int]) -> str:
    body = "".join(
        "<AnswerOption>"
        + "".join(f"<SelectionIdentifier>{choice}</SelectionIdentifier>" for choice in choices.split("+"))
        + f"<AnswerScore>{score}</AnswerScore></AnswerOption>"
        for choices, score in options.items()
    )
    return f"<Question><QuestionIdentifier>{name}</QuestionIdentifier>{body}</Question>"


@dataclass(frozen=True)
class Turk:
    """Alice's client on one side, the workers' doors on the other."""

    emulator: MTurkEmulator
    client: Any
    http: httpx.Client

    def door(self, method: str, path: str, **body: Any) -> dict[str, Any]:
        answer = self.http.request(method, f"{self.emulator.url}/_emulator/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, **body: Any) -> tuple[int, str]:
        answer = self.http.request(method, f"{self.emulator.url}/_emulator/{path}", json=body)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json().get("code", "").removeprefix("AWS.MechanicalTurk.")

    def hit(self, **changes: Any) -> dict[str, Any]:
        wanted = {
            "Title": "Draw boxes around hands",
            "Description": "Twenty photos",
            "Reward": "0.10",
            "Question": EXTERNAL,
            "MaxAssignments": 3,
            "LifetimeInSeconds": 7 * 86_400,
            "AssignmentDurationInSeconds": 1_800,
        }
        return self.client.create_hit(**(wanted | changes))["HIT"]

    def status(self, hit: dict[str, Any]) -> str:
        return self.client.get_hit(HITId=hit["HITId"])["HIT"]["HITStatus"]

    def worker(self, name: str = "", **profile: Any) -> str:
        return self.door("POST", "workers", **({"id": name} if name else {}), **profile)["worker_id"]

    def accept(self, hit: dict[str, Any], worker: str = "") -> dict[str, Any]:
        return self.door("POST", f"workers/{worker or self.worker()}/accept", hit_id=hit["HITId"])

    def submit(self, hit: dict[str, Any], worker: str = "", **answers: Any) -> str:
        """Let a worker do a HIT and hand it in; the id of the assignment."""
        taken = self.accept(hit, worker)["assignment_id"]
        self.door("POST", f"assignments/{taken}/submit", answers=answers or {"label": "fist"})
        return taken

    def assignment(self, assignment_id: str) -> dict[str, Any]:
        return self.client.get_assignment(AssignmentId=assignment_id)["Assignment"]

    def approve(self, assignment_id: str, **more: Any) -> None:
        self.client.approve_assignment(AssignmentId=assignment_id, **more)

    def reject(self, assignment_id: str) -> None:
        self.client.reject_assignment(AssignmentId=assignment_id, RequesterFeedback="The hand is cut off")

    def later(self, **span: float) -> None:
        self.emulator.clock.advance(timedelta(**span))

    def error(self, operation: str, **request: Any) -> str:
        """Return the code with which the service refuses a call."""
        with pytest.raises(self.client.exceptions.RequestError) as caught:
            getattr(self.client, operation)(**request)
        return caught.value.response["TurkErrorCode"].removeprefix("AWS.MechanicalTurk.")

    def books(self) -> dict[str, Any]:
        return self.door("GET", "books")


def official_client(url: str, session: boto3.Session = SESSION, **config: Any) -> Any:
    """Make the client as an outsider would, with every answer checked against the model."""
    retries = config.pop("retries", {"mode": "standard", "total_max_attempts": 1})
    client = session.client("mturk", endpoint_url=url, config=Config(retries=retries, **config))
    client.meta.events.register("after-call.mturk.*", check_answer)
    return client
