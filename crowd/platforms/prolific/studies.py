"""A batch as a study: one place is one page of ours. https://docs.prolific.com/api-reference/studies

The study carries our key in `metadata` and is found by it. Places are added together with a mark of the command that
wanted them, in the one name of a published study that may still change: the same command adds them once.
"""

import hashlib
from html import escape

from django.utils.crypto import salted_hmac

from crowd.errors import Invalid, NotFound, StateConflict
from crowd.links import hosted_url
from crowd.platforms.base import BatchSpec
from crowd.platforms.prolific.amounts import cents
from crowd.platforms.prolific.audience import ALLOWED, BARRED, chosen_people, devices, groups_filter
from crowd.platforms.prolific.client import Client, Json
from crowd.platforms.prolific.groups import Groups, ban_groups, skill_group

ASKED_OF_THE_ADDRESS = "?pid={{%PROLIFIC_PID%}}&study={{%STUDY_ID%}}&sid={{%SESSION_ID%}}"
PAGES_A_PERSON = 20
LONGEST_NAME = 120
MARKS_KEPT = 4
DRAFT = "UNPUBLISHED"
RUNNING = frozenset({"ACTIVE", "PUBLISHING", "SCHEDULED"})
FULL = "AWAITING REVIEW"


def completion_code(batch_key: str) -> str:
    """Return what proves to Prolific that a page of this batch was finished; it is shown only then."""
    return salted_hmac("winnow.prolific-code", batch_key).hexdigest()[:10].upper()


def completion_url(batch_key: str) -> str:
    """Return where a worker goes when the page is in."""
    return f"https://app.prolific.com/submissions/complete?cc={completion_code(batch_key)}"


def normal(state: object) -> str:
    """Return a state in one spelling: some come with a hyphen, some with a blank."""
    return str(state or "").strip().upper().replace("-", " ").replace("_", " ")


def read(client: Client, study_id: str) -> Json:
    """Return a study, and only a study."""
    study: Json = client.get("studies", study_id)
    if study.get("id") != study_id:
        raise NotFound(f"Prolific has no study {study_id!r}.")
    return study


def ensure(client: Client, batch: BatchSpec) -> str:
    """Find the study of this key or make it."""
    for study in client.each("studies"):
        if study.get("metadata") == batch.key:
            return str(study["id"])
    made: Json = client.post("studies", body=_form(client, batch) | {"total_available_places": 1})
    return str(made["id"])


def update(client: Client, study_id: str, batch: BatchSpec) -> None:
    """Bring a draft to what the batch says. Of a published study neither price nor audience can change."""
    study = read(client, study_id)
    if normal(study.get("status")) == DRAFT:
        client.patch("studies", study_id, body={**_form(client, batch), "internal_name": study["internal_name"]})
    elif int(study["reward"]) != cents(batch.price_micro):
        raise StateConflict("The price of a published study is final on Prolific. Close this pool and make a new one.")


def add_places(client: Client, study_id: str, places: int, key: str) -> None:
    """Let so many more people come; a command that was carried out before changes nothing."""
    study, mark = read(client, study_id), _mark(key)
    marks = _marks(study)
    if mark in marks or places <= 0:
        return
    there = int(study["total_available_places"]) if marks else 0  # the one place of the draft was only a form
    name = _internal_name(str(study["metadata"]), [*marks, mark][-MARKS_KEPT:])
    client.patch("studies", study_id, body={"total_available_places": there + places, "internal_name": name})


def start(client: Client, study_id: str) -> None:
    """Publish a draft or go on with a paused study; one whose places are all taken is open and full."""
    state = normal(read(client, study_id).get("status"))
    if state in RUNNING or state == FULL:
        return
    if state == "COMPLETED":
        raise StateConflict("The study is completed on Prolific and takes nobody in. Make a new pool.")
    _move(client, study_id, "PUBLISH" if state == DRAFT else "START", RUNNING | {FULL})


def pause(client: Client, study_id: str) -> None:
    if normal(read(client, study_id).get("status")) in RUNNING:
        _move(client, study_id, "PAUSE", frozenset({"PAUSED", FULL, "COMPLETED"}))


def stop(client: Client, study_id: str) -> None:
    if normal(read(client, study_id).get("status")) in RUNNING | {"PAUSED"}:
        _move(client, study_id, "STOP", frozenset({FULL, "COMPLETED"}))


def _move(client: Client, study_id: str, action: str, wanted: frozenset[str]) -> None:
    """Change the state; a refusal is no refusal when somebody else has just done the same."""
    try:
        client.post("studies", study_id, "transition", body={"action": action})
    except (Invalid, StateConflict):
        if normal(read(client, study_id).get("status")) not in wanted:
            raise


def _form(client: Client, batch: BatchSpec) -> Json:
    groups = Groups(client)
    code = {
        "code": completion_code(batch.key),
        "code_type": "COMPLETED",
        "actions": [{"action": "MANUALLY_REVIEW"}],
    }
    form: Json = {
        "name": batch.title[:LONGEST_NAME],
        "internal_name": _internal_name(batch.key, []),
        "metadata": batch.key,
        "description": _description(batch),
        "external_study_url": hosted_url("prolific", batch.key) + ASKED_OF_THE_ADDRESS,
        "prolific_id_option": "url_parameters",
        "completion_codes": [code],
        "estimated_completion_time": _minutes(batch),
        "maximum_allowed_time": max(_minutes(batch) + 1, -(-batch.assignment_seconds // 60)),
        "reward": cents(batch.price_micro),
        "device_compatibility": devices(batch.audience),
        "submissions_config": {"max_submissions_per_participant": PAGES_A_PERSON},
        "study_labels": ["annotation"],
        "filters": [*chosen_people(client, batch.audience), *_group_filters(groups, batch)],
    }
    project = str(client.account.settings.get("project", "")).strip()
    return {**form, "project": project} if project else form


def _group_filters(groups: Groups, batch: BatchSpec) -> list[Json]:
    """Let in who has the skills, keep out who has too much of one or is banned. Our own page examines newcomers."""
    needed = [(batch.needs_skill, batch.needs_value)] if batch.needs_skill and not batch.has_gate else []
    needed += [(one.skill, one.low) for one in batch.audience.skills]
    too_good = [(one.skill, one.high + 1) for one in batch.audience.skills if one.high < 100]
    allowed = [groups.ensure(skill_group(name, least)) for name, least in dict.fromkeys(needed)]
    barred = [groups.ensure(name) for name in ban_groups(batch)]
    barred += [groups.ensure(skill_group(name, least)) for name, least in too_good]
    return [
        *(row for one in allowed for row in groups_filter(ALLOWED, [one])),  # one filter each: all of them are needed
        *groups_filter(BARRED, barred),
    ]


def _description(batch: BatchSpec) -> str:
    lines = [str(line) for line in batch.spec.get("instructions", [])]
    return "<br>".join(escape(line) for line in lines or [batch.title])


def _minutes(batch: BatchSpec) -> int:
    """Return how long a page takes: as the pool says, else a third of the time that a worker may take."""
    said = batch.spec.get("minutes")
    return said if isinstance(said, int) and said > 0 else max(1, round(batch.assignment_seconds / 180))


def _mark(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _internal_name(batch_key: str, marks: list[str]) -> str:
    return " ".join(["winnow", *(f"+{mark}" for mark in marks), batch_key])[:LONGEST_NAME]


def _marks(study: Json) -> list[str]:
    words = str(study.get("internal_name", "")).split(" ")[1:]
    marks = []
    for word in words:
        if not (word.startswith("+") and len(word) == 9):
            break
        marks.append(word[1:])
    return marks
