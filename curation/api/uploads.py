"""Large files: announce one, send its pieces or put it into the bucket, complete it."""

from collections.abc import Mapping
from typing import IO, Any
from uuid import UUID

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.assets import MOST_KEY, stage_or_refuse
from curation.api.auth import caller
from curation.api.description import describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    led,
    listing,
    project_ids,
    project_or_404,
    projects,
    require_lead,
    single,
)
from curation.api.fields import Asked
from curation.api.paging import Filter, one_of
from curation.api.problems import Problem
from curation.models import FileUpload
from curation.preprocessing.limits import MEGABYTE
from curation.services import direct, file_uploads
from curation.services.clips import BadClip, Clip
from curation.services.file_uploads import LEAST_PIECE, MOST_BYTES, MOST_PIECE
from curation.services.pieces import WrongOffset

PIECES = "application/offset+octet-stream"
OFFSET = OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True, description="bytes before it")


class DirectAddress(serializers.Serializer[Any]):
    method = serializers.CharField()
    url = serializers.CharField()
    headers = serializers.DictField(child=serializers.CharField(), help_text="send these with the file")
    expires_at = serializers.DateTimeField()


class UploadRow(serializers.ModelSerializer[FileUpload]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    asset = serializers.UUIDField(source="asset.public_id", default=None, allow_null=True)
    receipt = serializers.DictField(help_text="received = new + existing + refused, when it is done")

    class Meta:
        model = FileUpload
        fields = [
            "id", "project", "name", "client_key", "size", "sha256", "received", "is_direct", "state", "reason",
            "asset", "receipt", "created_at", "expires_at",
        ]  # fmt: skip


class StartedUpload(UploadRow):
    least_piece = serializers.IntegerField(help_text="bytes of a piece at least, unless it is the last one")
    most_piece = serializers.IntegerField(help_text="bytes of a piece at most")
    direct = DirectAddress(allow_null=True, help_text="where to PUT the whole file, if that was asked for")

    class Meta(UploadRow.Meta):
        fields = [*UploadRow.Meta.fields, "least_piece", "most_piece", "direct"]


class NewFileUpload(Asked):
    project = serializers.UUIDField()
    name = serializers.CharField(max_length=255)
    size = serializers.IntegerField(min_value=1, max_value=MOST_BYTES, help_text="bytes")
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$", help_text="digest of the whole file")
    client_key = serializers.CharField(max_length=MOST_KEY, default="", allow_blank=True)
    stage = serializers.CharField(max_length=60, required=False)
    direct = serializers.BooleanField(default=False, help_text="where the storage is a bucket: send straight to it")


class AboutClip(Asked):
    """What a camera says of a file, kept as tags that queries, plans and samples know; frames get their own hour."""

    camera = serializers.CharField(max_length=60, required=False, help_text="which camera")
    location = serializers.CharField(max_length=60, required=False, help_text="where it stands: hallway, courtyard")
    started_at = serializers.CharField(
        max_length=40,
        required=False,
        help_text="when it begins, with the offset of the place: 2026-01-05T08:10:00+01:00",
    )


class Pieces(BaseParser):
    """The bytes of one piece as they are."""

    media_type = PIECES

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, bytes]:
        data: bytes = stream.read(MOST_PIECE + 1)
        if len(data) > MOST_PIECE:
            raise Problem(413, "too_large", f"A piece may have {MOST_PIECE // MEGABYTE} MB; send smaller ones.")
        return {"piece": data}


FILTERS = {
    "project": PROJECT,
    "state": one_of(lambda rows, text: rows.filter(state=text), "state of the upload", FileUpload.State.values),
    "client_key": Filter(lambda rows, text: rows.filter(client_key=text), "your own key"),
}


def _rows() -> Any:
    return FileUpload.objects.select_related("project", "stage", "asset")


def find(request: Request, upload_id: UUID) -> FileUpload:
    upload: FileUpload | None = _rows().filter(project__in=projects(request), public_id=upload_id).first()
    if upload is None:
        raise Http404
    require_lead(request, upload.project_id)
    return upload


def _offsets(upload: FileUpload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.received), "Upload-Length": str(upload.size), "Cache-Control": "no-store"}


def wrong_offset(error: WrongOffset) -> Problem:
    return Problem(409, "wrong_offset", f"Go on from byte {error.received}: that many have arrived.")


class UploadList(Door):
    scopes = {"GET": "assets:write", "POST": "assets:write"}

    @describe_list(UploadRow, FILTERS, "uploads", "Uploads of the projects you lead")
    def get(self, request: Request) -> Response:
        return listing(request, _rows().filter(project__in=project_ids(request, led)), FILTERS, UploadRow)

    @extend_schema(
        summary="Announce a large file; the same file again goes on where it stopped",
        request=NewFileUpload,
        responses={200: StartedUpload, 201: StartedUpload},
    )
    def post(self, request: Request) -> Response:
        asked = NewFileUpload(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        project = project_or_404(request, wish["project"])
        require_lead(request, project.pk)
        if wish["direct"] and not direct.is_possible():
            raise Problem(409, "no_bucket", "Files of this server lie in a folder, not in a bucket: send pieces.")
        upload, is_new = file_uploads.start(
            project=project,
            by=caller(request),
            name=wish["name"],
            size=wish["size"],
            sha256=wish["sha256"],
            client_key=wish["client_key"],
            stage=stage_or_refuse(project, wish["stage"]) if "stage" in wish else None,
            is_direct=wish["direct"],
            now=database_now(),
        )
        address = direct.address(upload=upload, now=database_now()) if upload.is_direct else None
        more = {
            "least_piece": LEAST_PIECE,
            "most_piece": MOST_PIECE,
            "direct": DirectAddress(address).data if address else None,
        }
        place = {"Location": f"/api/v1/uploads/{upload.public_id}"}
        return Response({**UploadRow(upload).data, **more}, status=201 if is_new else 200, headers=place)


class UploadOne(Door):
    scopes = dict.fromkeys(("GET", "HEAD", "PATCH", "DELETE"), "assets:write")
    parser_classes = [Pieces]

    @describe_one(UploadRow, "One upload; the header Upload-Offset says how much has arrived")
    def get(self, request: Request, upload_id: UUID) -> Response:
        upload = find(request, upload_id)
        answer = single(request, UploadRow, UploadRow(upload).data)
        for name, value in _offsets(upload).items():
            answer[name] = value
        return answer

    @extend_schema(
        summary="Send the next piece",
        parameters=[OFFSET],
        request={PIECES: OpenApiTypes.BINARY},
        responses={204: None},
    )
    def patch(self, request: Request, upload_id: UUID) -> Response:
        upload = find(request, upload_id)
        offset = request.headers.get("Upload-Offset", "")
        if not (offset.isascii() and offset.isdecimal() and len(offset) < 19):
            raise Problem(400, "bad_offset", "The header Upload-Offset says at which byte of the file a piece begins.")
        piece = dict(request.data).get("piece", b"")
        try:
            file_uploads.append(upload=upload, offset=int(offset), data=piece, now=database_now())
        except WrongOffset as error:
            raise wrong_offset(error) from None
        return Response(status=204, headers=_offsets(upload))

    @extend_schema(summary="Give up an upload that is not completed; its pieces are deleted", responses={204: None})
    def delete(self, request: Request, upload_id: UUID) -> Response:
        file_uploads.give_up(upload=find(request, upload_id))
        return Response(status=204)


class UploadComplete(Door):
    scopes = {"POST": "assets:write"}

    @extend_schema(
        summary="Check the whole file and take it in: a picture at once, a video or an archive by a job",
        request=AboutClip,
        responses={200: UploadRow, 202: UploadRow},
    )
    def post(self, request: Request, upload_id: UUID) -> Response:
        upload = find(request, upload_id)
        is_said = (request.content_type or "").startswith("application/json")
        said = AboutClip(data=request.data if is_said else {})
        said.is_valid(raise_exception=True)
        try:
            clip = Clip.read(said.validated_data)
        except BadClip as wrong:
            raise Problem(400, "bad_clip", str(wrong)) from None
        try:
            upload = file_uploads.complete(upload=upload, clip=clip, now=database_now())
        except WrongOffset as error:
            raise wrong_offset(error) from None
        ended = upload.state in {FileUpload.State.DONE, FileUpload.State.REFUSED}
        return Response(UploadRow(upload).data, status=200 if ended else 202)
