"""The schema and its page, which works offline: every file comes from this server."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.permissions import AllowAny


class Schema(SpectacularAPIView):
    """The description of this API; it holds no data, so anybody may read it."""

    permission_classes = [AllowAny]
    authentication_classes = []


class Pages(SpectacularSwaggerSplitView):
    """Swagger UI with its script at an address of its own, as our policy wants it."""

    permission_classes = [AllowAny]
    authentication_classes = []
    url_name = "api-schema"
