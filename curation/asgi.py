"""HTTP and websockets."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "curation.settings.local")

from django.core.asgi import get_asgi_application

django = get_asgi_application()

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

from curation.live.routes import routes
from curation.quick_pictures import QuickPictures

http = QuickPictures(django)
application = ProtocolTypeRouter(
    {"http": http, "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(routes)))}
)
