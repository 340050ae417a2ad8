"""HTTP and websockets."""

import gc
import os
from importlib import import_module

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "curation.settings.local")

from django.core.asgi import get_asgi_application

django = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.conf import settings

from curation import request_counts
from curation.live.routes import routes
from curation.quick_pictures import QuickPictures

http = QuickPictures(django)
application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))}
)


def settle() -> None:
    """Keep what is loaded: looking through it for garbage again and again took a third of an answer of many rows."""
    import_module(settings.ROOT_URLCONF)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


if os.environ.get("WINNOW_ROLE") == "web":  # whoever else imports this keeps the collector as it was
    settle()
    request_counts.keep_telling()
