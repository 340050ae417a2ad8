"""Where everything lives. Each door keeps its own list."""

from django.urls import include, path

from curation.dashboard.metrics import metrics_page

handler500 = "curation.middleware.server_error"

urlpatterns = [
    path("api/", include("curation.api.urls")),
    path("metrics", metrics_page, name="metrics"),
    path("", include("curation.dashboard.urls")),
    path("", include("curation.review.urls")),
    path("", include("curation.live.urls")),
    path("w/", include("curation.portal.urls")),
    path("x/", include("curation.portal.elsewhere_urls")),
]
