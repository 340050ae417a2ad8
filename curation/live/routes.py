"""The address of the doorbell; at any other there is nothing."""

from django.urls import path, re_path

from curation.live.doorbell import Doorbell, Nothing

routes = [path("ws/projects/<uuid:public_id>/", Doorbell.as_asgi()), re_path("", Nothing.as_asgi())]
