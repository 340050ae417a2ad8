"""The address of the doorbell."""

from django.urls import path

from curation.live.doorbell import Doorbell

routes = [path("ws/projects/<uuid:public_id>/", Doorbell.as_asgi())]
