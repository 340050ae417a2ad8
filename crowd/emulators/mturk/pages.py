"""The worker's browser: the address of a task, the page of a form, and where forms are posted to."""

import re
from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from html import escape
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from crowd.emulators.mturk import worker_side
from crowd.emulators.mturk.answers import Fields
from crowd.emulators.mturk.errors import invalid
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.players import Task
from crowd.emulators.mturk.questions import Field
from crowd.emulators.mturk.service import Service

PREVIEW: Final = "ASSIGNMENT_ID_NOT_AVAILABLE"
SUBMIT: Final = "/mturk/externalSubmit"
PAGE: Final = "/mturk/page"
_REAL_SUBMIT: Final = re.compile(r"https?://(?:www|workersandbox)\.mturk\.com/mturk/externalSubmit")


def task_for(hit: Hit, assignment: Assignment, base: str) -> Task:
    return Task(
        assignment_id=assignment.id,
        hit_id=hit.id,
        worker_id=assignment.worker_id,
        title=hit.type.title,
        annotation=hit.annotation or "",
        question=hit.question,
        url=page_url(hit, base, assignment_id=assignment.id, worker_id=assignment.worker_id),
        submit_to=base,
        deadline=assignment.deadline,
    )


def page_url(hit: Hit, base: str, *, assignment_id: str = PREVIEW, worker_id: str = "") -> str:
    """Return what the worker's frame shows; a preview has no assignment and tells no worker."""
    address = urlsplit(hit.question.url or f"{base}{PAGE}")
    added = {"assignmentId": assignment_id, "hitId": hit.id, "turkSubmitTo": base}
    if assignment_id != PREVIEW:
        added["workerId"] = worker_id
    return urlunsplit(address._replace(query="&".join(part for part in (address.query, urlencode(added)) if part)))


def form_page(hit: Hit, base: str, assignment_id: str) -> str:
    """Return the page of an HTMLQuestion, posting here instead of to the service, or a plain QuestionForm."""
    if hit.question.kind == "HTMLQuestion":
        return _REAL_SUBMIT.sub(f"{base}{SUBMIT}", hit.question.html)
    fields = "".join(_field(field) for field in hit.question.fields)
    off = " disabled" if assignment_id == PREVIEW else ""
    return (
        f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{escape(hit.type.title)}</title>'
        f'<form method="post" action="{escape(base + SUBMIT)}">'
        f'<input type="hidden" name="assignmentId" value="{escape(assignment_id)}">{fields}'
        f"<button{off}>Submit</button></form></html>"
    )


def _field(field: Field) -> str:
    name, label = escape(field.name), escape(field.label)
    if not field.choices:
        return f'<p><label>{label} <input name="{name}"></label></p>'
    kind = "checkbox" if field.many else "radio"
    choices = "".join(_choice(kind, name, choice) for choice in field.choices)
    return f"<fieldset><legend>{label}</legend>{choices}</fieldset>"


def _choice(kind: str, name: str, choice: str) -> str:
    value = escape(choice)
    return f'<label><input type="{kind}" name="{name}" value="{value}"> {value}</label>'


def external_submit(service: Service, fields: Mapping[str, Sequence[str]]) -> str:
    """Take a form of an ExternalQuestion, HTMLQuestion or QuestionForm; return the id of the assignment."""
    assignment_id = next(iter(fields.get("assignmentId", ())), "")
    if not assignment_id or assignment_id == PREVIEW:
        raise invalid(f"The form's assignmentId is {assignment_id or 'missing'}: accept the HIT before you submit.")
    market = service.market
    answers: Fields = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    with market.lock:
        service.catch_up()
        worker_side.hand_in(market, market.assignment(assignment_id), answers, market.clock.now())
    return assignment_id


def read_form(query: str, content_type: str, body: bytes) -> dict[str, list[str]]:
    """Return the fields of a posted form, those of its address included, in their order."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if content_type.startswith("multipart/form-data"):
        pairs += _multipart(content_type, body)
    else:
        pairs += parse_qsl(body.decode(errors="replace"), keep_blank_values=True)
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    return fields


def _multipart(content_type: str, body: bytes) -> list[tuple[str, str]]:
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=policy.HTTP)
    found = []
    for part in message.iter_parts():
        name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found.append((name, content.decode(errors="replace")))
    return found
