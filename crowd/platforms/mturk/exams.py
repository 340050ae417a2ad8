"""Exams as MTurk's own tests: who passes may take the work at once. Off unless the account says so.

Only exams whose answers are one of a few words can be tests; a training with its hints, and all else, is on our page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from xml.sax.saxutils import escape

from crowd.errors import NotFound
from crowd.models import Account
from crowd.platforms.base import BatchSpec, TaskSpec
from crowd.platforms.mturk import marks
from crowd.platforms.mturk.client import Client, Json, worker_id
from crowd.platforms.mturk.marks import Exam, Mark

SETTING, ON_MTURK = "exams", "platform"
SCHEMAS: Final = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/"
LONGEST: Final = 65_000
LONGEST_TITLE: Final = 120
PICTURES: Mapping[str, str] = {"template": "Example", "image": "Photo to check"}


def are_there(account: Account) -> bool:
    """Say whether this account gives its exams to MTurk."""
    return bool(account.settings.get(SETTING) == ON_MTURK)


def exam_of(client: Client, batch: BatchSpec) -> Exam | None:
    """Return what has to be remembered of an exam until its tasks come; None when it stays on our page."""
    options = [(str(option["value"]), str(option["label"])) for option in batch.spec.get("options", [])]
    if not are_there(client.account) or batch.kind != "exam" or not options or not batch.grants_skill:
        return None
    skill = marks.ensure_skill(client, batch.grants_skill)
    return Exam(skill, batch.title[:LONGEST_TITLE], tuple(options), max(60, batch.assignment_seconds), batch.page_size)


def give(client: Client, mark: Mark, tasks: Sequence[TaskSpec]) -> None:
    """Put a page of tasks into the test of the skill, once: a test that people have taken is not changed.

    Tasks kept for second tries stay out of it: MTurk itself says how often and when a test may be taken again.
    """
    exam = mark.exam
    if exam is None or exam.is_ready or not tasks or not all(_is_known(task, exam) for task in tasks):
        return
    asked = tasks[: exam.page_size or len(tasks)]
    test, key = test_xml(exam, asked), key_xml(asked)
    if len(test.encode()) > LONGEST:
        return
    client.call(
        "update_qualification_type",
        QualificationTypeId=exam.skill,
        Test=test,
        AnswerKey=key,
        TestDurationInSeconds=exam.seconds,
    )
    marks.write(client, mark, exam=exam.made_ready())


def _is_known(task: TaskSpec, exam: Exam) -> bool:
    return task.known_answer is not None and task.known_answer.get("answer") in dict(exam.options)


def test_xml(exam: Exam, tasks: Sequence[TaskSpec]) -> str:
    questions = "".join(_question(exam, number, task) for number, task in enumerate(tasks))
    overview = f"<Overview><Title>{escape(exam.title)}</Title></Overview>"
    return f'<QuestionForm xmlns="{SCHEMAS}2017-11-06/QuestionForm.xsd">{overview}{questions}</QuestionForm>'


def _question(exam: Exam, number: int, task: TaskSpec) -> str:
    choices = "".join(
        f"<Selection><SelectionIdentifier>{escape(value)}</SelectionIdentifier><Text>{escape(label)}</Text></Selection>"
        for value, label in exam.options
    )
    return (
        f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><IsRequired>true</IsRequired>"
        f"<QuestionContent>{_content(task)}</QuestionContent><AnswerSpecification><SelectionAnswer>"
        f"<StyleSuggestion>radiobutton</StyleSuggestion><Selections>{choices}</Selections>"
        "</SelectionAnswer></AnswerSpecification></Question>"
    )


def _content(task: TaskSpec) -> str:
    words = ": ".join(str(task.payload[name]) for name in ("class", "prompt") if task.payload.get(name))
    pictures = "".join(
        "<Binary><MimeType><Type>image</Type></MimeType>"
        f"<DataURL>{escape(str(task.payload[name]))}</DataURL><AltText>{words_of}</AltText></Binary>"
        for name, words_of in PICTURES.items()
        if task.payload.get(name)
    )
    return f"<Text>{escape(words) or 'Look at the photo.'}</Text>{pictures}"


def key_xml(tasks: Sequence[TaskSpec]) -> str:
    """Grade every question with one point, and the sum in percent: the same number that our own exam gives."""
    rows = "".join(
        f"<Question><QuestionIdentifier>q{number}</QuestionIdentifier><AnswerOption><SelectionIdentifier>"
        f"{escape(str((task.known_answer or {})['answer']))}</SelectionIdentifier><AnswerScore>1</AnswerScore>"
        "</AnswerOption></Question>"
        for number, task in enumerate(tasks)
    )
    mapping = f"<PercentageMapping><MaximumSummedScore>{len(tasks)}</MaximumSummedScore></PercentageMapping>"
    return (
        f'<AnswerKey xmlns="{SCHEMAS}2005-10-01/AnswerKey.xsd">{rows}'
        f"<QualificationValueMapping>{mapping}</QualificationValueMapping></AnswerKey>"
    )


def gate_of(client: Client, batch: BatchSpec) -> list[Json]:
    """Return what a HIT asks for when its exam is a test there; else our own page leads people to it."""
    if not batch.needs_batch or not are_there(client.account):
        return []
    exam = marks.read(client, batch.needs_batch).exam
    if exam is None or not exam.is_ready:
        return []
    wanted: dict[str, Any] = {"QualificationTypeId": exam.skill, "Comparator": "GreaterThanOrEqualTo"}
    return [{**wanted, "IntegerValues": [batch.needs_value], "ActionsGuarded": "Accept"}]


def score(client: Client, worker: str, skill: str) -> int | None:
    """Return the value that a worker has in a skill there."""
    found = marks.find_skill(client, skill)
    if not found:
        return None
    try:
        told = client.call("get_qualification_score", QualificationTypeId=found, WorkerId=worker_id(worker))
    except NotFound:
        return None
    return int(told["Qualification"]["IntegerValue"])
