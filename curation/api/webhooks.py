"""Webhooks: who is told what, the log of deliveries, and sending again."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crowd.clock import database_now
from curation.api.auth import caller
from curation.api.description import IF_MATCH, describe_list, describe_one
from curation.api.doors import (
    PROJECT,
    Door,
    edited,
    found,
    led,
    listing,
    project_ids,
    project_or_404,
    projects,
    require_lead,
    single,
)
from curation.api.etags import unless_changed
from curation.api.fields import Asked
from curation.api.paging import one_of
from curation.models import Webhook, WebhookDelivery
from curation.services import webhooks
from curation.services.notices import TOPICS


def _topics(**more: Any) -> serializers.ListField:
    return serializers.ListField(child=serializers.ChoiceField(choices=list(TOPICS)), min_length=1, **more)


class WebhookRow(serializers.ModelSerializer[Webhook]):
    id = serializers.UUIDField(source="public_id")
    project = serializers.UUIDField(source="project.public_id")
    topics = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = Webhook
        fields = ["id", "project", "url", "topics", "is_active", "note", "created_at"]


class MadeWebhook(WebhookRow):
    secret = serializers.CharField(help_text="whsec_…, shown this once; signs as Standard Webhooks says")

    class Meta(WebhookRow.Meta):
        fields = [*WebhookRow.Meta.fields, "secret"]


class NewWebhook(Asked):
    project = serializers.UUIDField()
    url = serializers.CharField(max_length=2048)
    topics = _topics()


class WebhookChange(Asked):
    url = serializers.CharField(max_length=2048, required=False)
    topics = _topics(required=False)
    is_active = serializers.BooleanField(required=False)


class NewSecret(serializers.Serializer[Any]):
    secret = serializers.CharField()


class DeliveryRow(serializers.ModelSerializer[WebhookDelivery]):
    id = serializers.UUIDField(source="public_id", help_text="equals the header webhook-id")
    webhook = serializers.UUIDField(source="webhook.public_id")
    payload = serializers.DictField()
    tries = serializers.ListField(child=serializers.DictField())

    class Meta:
        model = WebhookDelivery
        fields = ["id", "webhook", "topic", "state", "payload", "tries", "next_at", "created_at"]


FILTERS = {"project": PROJECT}
DELIVERY_FILTERS = {
    "state": one_of(lambda rows, text: rows.filter(state=text), "state", WebhookDelivery.State.values),
}


def _find(request: Request, webhook_id: UUID) -> Webhook:
    """Return a webhook of a project that the caller leads: its address is nobody else's business."""
    hook: Webhook = found(Webhook.objects.filter(project__in=projects(request)), public_id=webhook_id)
    require_lead(request, hook.project_id)
    return hook


def _row(hook: Webhook) -> Any:
    return Webhook.objects.select_related("project").filter(pk=hook.pk)


def _shown(hook: Webhook) -> dict[str, Any]:
    return {**WebhookRow(hook).data}


class WebhookList(Door):
    scopes = {"GET": "admin", "POST": "admin"}
    shown_once = ("secret",)

    @describe_list(WebhookRow, FILTERS, "webhooks", "Webhooks of the projects you lead")
    def get(self, request: Request) -> Response:
        mine = Webhook.objects.select_related("project").filter(project__in=project_ids(request, led))
        return listing(request, mine, FILTERS, WebhookRow)

    @extend_schema(
        summary="Add a webhook; the answer shows its secret once", request=NewWebhook, responses={201: MadeWebhook}
    )
    def post(self, request: Request) -> Response:
        asked = NewWebhook(data=request.data)
        asked.is_valid(raise_exception=True)
        wish = asked.validated_data
        project = project_or_404(request, wish["project"])
        require_lead(request, project.pk)
        hook, secret = webhooks.make(
            project=project, url=wish["url"], topics=wish["topics"], by=caller(request), now=database_now()
        )
        hook.refresh_from_db()
        return Response({**WebhookRow(hook).data, "secret": secret}, status=201)


class WebhookOne(Door):
    scopes = {"GET": "admin", "PATCH": "admin", "DELETE": "admin"}

    @describe_one(WebhookRow, "One webhook")
    def get(self, request: Request, webhook_id: UUID) -> Response:
        return single(request, WebhookRow, _shown(_find(request, webhook_id)))

    @extend_schema(
        summary="Change address or topics, switch on or off",
        parameters=[IF_MATCH],
        request=WebhookChange,
        responses=WebhookRow,
    )
    def patch(self, request: Request, webhook_id: UUID) -> Response:
        hook = _find(request, webhook_id)
        asked = WebhookChange(data=request.data)
        asked.is_valid(raise_exception=True)
        with unless_changed(request, _row(hook), _shown):
            changed = webhooks.change(
                webhook_id=hook.pk, by=caller(request), now=database_now(), **asked.validated_data
            )
        return edited(_shown(changed))

    @extend_schema(summary="Remove a webhook and its log", parameters=[IF_MATCH], responses={204: None})
    def delete(self, request: Request, webhook_id: UUID) -> Response:
        hook = _find(request, webhook_id)
        with unless_changed(request, _row(hook), _shown):
            webhooks.remove(webhook_id=hook.pk, by=caller(request), now=database_now())
        return Response(status=204)


class WebhookSecret(Door):
    scopes = {"POST": "admin"}
    shown_once = ("secret",)

    @extend_schema(summary="Sign with a new secret from now on", request=None, responses=NewSecret)
    def post(self, request: Request, webhook_id: UUID) -> Response:
        hook = _find(request, webhook_id)
        return Response({"secret": webhooks.renew_secret(webhook_id=hook.pk, by=caller(request), now=database_now())})


class WebhookTest(Door):
    scopes = {"POST": "admin"}

    @extend_schema(summary="Send a test message", request=None, responses={202: DeliveryRow})
    def post(self, request: Request, webhook_id: UUID) -> Response:
        hook = _find(request, webhook_id)
        delivery = webhooks.send_test(webhook=hook, by=caller(request), now=database_now())
        return Response(DeliveryRow(delivery).data, status=202)


class DeliveryList(Door):
    scopes = {"GET": "admin"}

    @describe_list(DeliveryRow, DELIVERY_FILTERS, "deliveries", "Deliveries of a webhook, with every try")
    def get(self, request: Request, webhook_id: UUID) -> Response:
        rows = _find(request, webhook_id).deliveries.select_related("webhook")
        return listing(request, rows, DELIVERY_FILTERS, DeliveryRow)


class DeliveryAgain(Door):
    scopes = {"POST": "admin"}

    @extend_schema(summary="Send a message again", request=None, responses={202: DeliveryRow})
    def post(self, request: Request, webhook_id: UUID, delivery_id: UUID) -> Response:
        delivery = found(_find(request, webhook_id).deliveries.all(), public_id=delivery_id)
        again = webhooks.redeliver(delivery_id=delivery.pk, now=database_now())
        return Response(DeliveryRow(again).data, status=202)
