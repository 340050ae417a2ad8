"""Many pictures in one request: a line each, as base64, as an upload that was sent, or as an address to fetch."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.bulk import UNSTORABLE
from crowd.clock import database_now
from crowd.errors import CrowdError, StorageRefused
from crowd.fetching import AddressRefused
from curation.api.assets import MOST_KEY, stage_or_refuse
from curation.api.auth import caller
from curation.api.description import describe_list
from curation.api.doors import PROJECT, Door, asked_project, led, listing, project_ids, require_lead
from curation.api.paging import Filter, one_of
from curation.api.problems import Problem
from curation.models import Asset, FileUpload, LinkToFetch, Project, Stage
from curation.preprocessing.limits import MEGABYTE, Unreadable
from curation.services import events, file_uploads, links
from curation.services.ingest import Incoming
from curation.services.links import Link
from curation.services.pieces import WrongOffset
from curation.services.taking_many import take_many

MOST_LINES = 10_000
MOST_BATCH_BYTES = 64 * MEGABYTE
AT_ONCE, BYTES_AT_ONCE = 200, 16 * MEGABYTE
WAYS = ("data_base64", "upload", "url")
Answer = dict[str, Any]


class LineAnswer(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    client_key = serializers.CharField(allow_null=True)
    status = serializers.ChoiceField(choices=["new", "existing", "fetching", "taking_in", "refused"])
    asset = serializers.UUIDField(required=False)
    code = serializers.CharField(required=False)
    detail = serializers.CharField(required=False)


class BatchAnswer(serializers.Serializer[Any]):
    received = serializers.IntegerField()
    new = serializers.IntegerField()
    existing = serializers.IntegerField()
    fetching = serializers.IntegerField(help_text="addresses that a job fetches: see `links`")
    taking_in = serializers.IntegerField(help_text="videos and archives that a job takes in: see `uploads`")
    refused = serializers.IntegerField()
    lines = LineAnswer(many=True)


class LinkRow(serializers.ModelSerializer[LinkToFetch]):
    project = serializers.UUIDField(source="project.public_id")
    asset = serializers.UUIDField(source="asset.public_id", default=None, allow_null=True)

    class Meta:
        model = LinkToFetch
        fields = ["project", "client_key", "url", "state", "code", "detail", "tries", "asset", "created_at"]


class JsonLines(BaseParser):
    """One JSON object a line; each line is judged on its own."""

    media_type = "application/jsonl"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, list[tuple[int, bytes]]]:
        data = stream.read(MOST_BATCH_BYTES + 1)
        if len(data) > MOST_BATCH_BYTES:
            raise Problem(413, "too_large", f"A batch may have {MOST_BATCH_BYTES // MEGABYTE} MB; send smaller ones.")
        return {"lines": [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]}


class NdJson(JsonLines):
    media_type = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that can be understood: its number, the caller's key, and the one way by which its picture comes."""

    number: int
    key: str
    name: str
    way: str
    value: str

    def answer(self, status: str, asset: Asset | None = None) -> Answer:
        found = {"asset": str(asset.public_id)} if asset else {}
        return {"line": self.number, "client_key": self.key, "status": status, **found}

    def refusal(self, code: str, detail: str) -> Answer:
        return {**self.answer("refused"), "code": code, "detail": detail}


class AssetBatch(Door):
    scopes = {"POST": "assets:write"}
    parameters = {"POST": ("project", "stage")}
    parser_classes = [JsonLines, NdJson]

    @extend_schema(
        summary=f"Up to {MOST_LINES:,} lines, each answered on its own",
        description='A line is `{"client_key", "name"?}` and one of `"data_base64"`, `"upload"` (the id of an upload '
        'whose bytes are all sent) or `"url"` (fetched by a job; what came of it is at `links`).',
        parameters=[
            OpenApiParameter("project", OpenApiTypes.UUID, required=True, description="id of the project"),
            OpenApiParameter("stage", str, description="name of the stage to enter at; the checks if left out"),
        ],
        request={"application/jsonl": OpenApiTypes.STR},
        responses=BatchAnswer,
    )
    def post(self, request: Request) -> Response:
        project = asked_project(request)
        require_lead(request, project.pk)
        stage = stage_or_refuse(project, request.query_params.get("stage"))
        lines = dict(request.data).get("lines", [])
        if not 1 <= len(lines) <= MOST_LINES:
            raise Problem(400, "bad_batch", f"A batch has 1 to {MOST_LINES:,} lines, not {len(lines):,}.")
        answers = _answers(request, project, stage, lines)
        statuses = ("new", "existing", "fetching", "taking_in", "refused")
        counts = {name: sum(one["status"] == name for one in answers) for name in statuses}
        if counts["new"]:
            text = f"{counts['new']:,} new of {len(answers):,} pictures sent by the API."
            events.record(kind="assets.ingested", text=text, project=project, by=caller(request))
        return Response({"received": len(answers), **counts, "lines": answers})


def _answers(request: Request, project: Project, stage: Stage, lines: Sequence[tuple[int, bytes]]) -> list[Answer]:
    """Answer every line in order; lines of one way are worked off together."""
    answers: dict[int, Answer] = {}
    ways: dict[str, list[Line]] = {way: [] for way in WAYS}
    for number, text in lines:
        try:
            line = _line(number, text)
            ways[line.way].append(line)
        except _BadLine as bad:
            answers[number] = bad.answer
    answers |= _by_number(_inline(project, stage, ways["data_base64"]))
    named = stage if "stage" in request.query_params else None
    answers |= _by_number(_uploads(project, named, ways["upload"]))
    answers |= _by_number(_links(request, project, stage, ways["url"]))
    return [answers[number] for number in sorted(answers)]


def _by_number(answers: Iterator[Answer]) -> dict[int, Answer]:
    return {answer["line"]: answer for answer in answers}


def _inline(project: Project, stage: Stage, lines: Sequence[Line]) -> Iterator[Answer]:
    for slice_ in _slices(lines):
        incoming: list[Incoming] = []
        there: list[Line] = []
        for line in slice_:
            try:
                data = base64.b64decode(line.value, validate=True)
            except (ValueError, binascii.Error):
                yield line.refusal("bad_line", '"data_base64" must be the picture in base64.')
            else:
                incoming.append(Incoming(line.name or line.key, data, "API", client_key=line.key))
                there.append(line)
        outcomes = take_many(project=project, stage=stage, incoming=incoming, now=database_now())
        for line, outcome in zip(there, outcomes, strict=True):
            if isinstance(outcome, Unreadable):
                yield line.refusal(outcome.reason_code, outcome.sentence)
            else:
                yield line.answer("new" if outcome.is_new else "existing", outcome.asset)


def _slices(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Cut lines into portions of bounded number and size."""
    portion: list[Line] = []
    size = 0
    for line in lines:
        if portion and (len(portion) >= AT_ONCE or size + len(line.value) > BYTES_AT_ONCE):
            yield portion
            portion, size = [], 0
        portion.append(line)
        size += len(line.value)
    if portion:
        yield portion


def _uploads(project: Project, stage: Stage | None, lines: Sequence[Line]) -> Iterator[Answer]:
    for line in lines:
        upload = None
        if _is_id(line.value):
            rows = FileUpload.objects.select_related("project", "stage", "asset")
            upload = rows.filter(project=project, public_id=line.value).first()
        if upload is None:
            yield line.refusal("unknown_upload", "There is no such upload in this project.")
            continue
        yield _completed(line, upload, stage)


def _completed(line: Line, upload: FileUpload, stage: Stage | None) -> Answer:
    was_done = upload.state == FileUpload.State.DONE
    try:
        upload = file_uploads.complete(
            upload=upload, now=database_now(), client_key=line.key, name=line.name, stage=stage
        )
    except WrongOffset as error:
        return line.refusal(
            "wrong_offset", f"Only {error.received} of {upload.size} bytes of this upload have arrived."
        )
    except Unreadable as refusal:
        return line.refusal(refusal.reason_code, refusal.sentence)
    except CrowdError as refusal:
        code = "storage_refused" if isinstance(refusal, StorageRefused) else "refused"
        return line.refusal(code, str(refusal))
    if upload.state == FileUpload.State.REFUSED:
        return line.refusal("refused", upload.reason)
    if upload.state == FileUpload.State.TAKING_IN:
        return line.answer("taking_in")
    is_new = bool(upload.receipt.get("new")) and not was_done
    return line.answer("new" if is_new else "existing", upload.asset)


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _links(request: Request, project: Project, stage: Stage, lines: Sequence[Line]) -> Iterator[Answer]:
    good: list[tuple[Line, Link]] = []
    for line in lines:
        try:
            good.append((line, Link(line.key, links.check(line.value), line.name or line.key)))
        except AddressRefused as refusal:
            yield line.refusal("bad_address", str(refusal))
    wanted = [link for _, link in good]
    known = links.note(project=project, stage=stage, links=wanted, by=caller(request), now=database_now())
    for line, _ in good:
        asset = known.get(line.key)
        yield line.answer("existing" if asset else "fetching", asset)


class _BadLine(Exception):
    def __init__(self, number: int, key: str | None, detail: str) -> None:
        super().__init__(detail)
        self.answer = {"line": number, "client_key": key, "status": "refused", "code": "bad_line", "detail": detail}


def _line(number: int, text: bytes) -> Line:
    try:
        sent = json.loads(text)
    except (ValueError, RecursionError):
        raise _BadLine(number, None, "This line is not JSON.") from None
    ways = [way for way in WAYS if isinstance(sent, dict) and way in sent]
    if not isinstance(sent, dict) or not set(sent) <= {"client_key", "name", *WAYS} or len(ways) != 1:
        sentence = f'A line is an object with "client_key", perhaps "name", and one of {", ".join(WAYS)}.'
        raise _BadLine(number, None, sentence)
    key, name, value = sent.get("client_key"), sent.get("name", ""), sent[ways[0]]
    if not isinstance(key, str) or not 1 <= len(key) <= MOST_KEY or UNSTORABLE.search(key):
        raise _BadLine(number, None, f'"client_key" must be text of 1 to {MOST_KEY} letters.')
    if not isinstance(name, str) or UNSTORABLE.search(name):
        raise _BadLine(number, key, '"name" must be text.')
    if not isinstance(value, str) or (ways[0] != "data_base64" and UNSTORABLE.search(value)):
        raise _BadLine(number, key, f'"{ways[0]}" must be text.')
    return Line(number, key, name, ways[0], value)


LINK_FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the link", LinkToFetch.State.values),
    "client_key": Filter(lambda rows, text: rows.filter(client_key=text), "your own key"),
}


class LinkList(Door):
    scopes = {"GET": "assets:write"}

    @describe_list(LinkRow, LINK_FILTERS, "links", "Addresses that batches named, of the projects you lead")
    def get(self, request: Request) -> Response:
        rows = LinkToFetch.objects.select_related("project", "asset").filter(project__in=project_ids(request, led))
        return listing(request, rows, LINK_FILTERS, LinkRow)
