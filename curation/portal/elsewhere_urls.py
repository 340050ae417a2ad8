"""Addresses for other platforms and their workers, under /x/. No cookies, signed tokens."""

from django.urls import path, re_path

from curation.portal import elsewhere, guide_media, hosted, hosted_pages, media, uploads
from curation.portal.visits import for_their_workers, for_visitors

VISIT = "visit/<str:visit>/"

urlpatterns = [
    path("media/<path:token>", elsewhere.media, name="x-media"),
    path("guide/<path:token>", guide_media.media, name="x-guide"),
    path("events/<slug:slug>/", elsewhere.events, name="x-events"),
    path(VISIT, for_visitors(hosted_pages.page), name="x-page"),
    path(f"{VISIT}answers/<int:answer_id>/", for_visitors(hosted_pages.answer), name="x-answer"),
    path(f"{VISIT}submit/", for_visitors(hosted_pages.submit), name="x-submit"),
    path(f"{VISIT}skip/", for_visitors(hosted_pages.skip), name="x-skip"),
    path(f"{VISIT}done/", for_visitors(hosted_pages.done), name="x-done"),
    path(f"{VISIT}appeal/", for_visitors(hosted_pages.appeal), name="x-appeal"),
    re_path(
        rf"^visit/(?P<visit>[^/]+)/media/(?P<answer_id>\d+)/(?P<kind>{media.KIND})/$",
        for_visitors(hosted_pages.media),
        name="x-picture",
    ),
    path(f"{VISIT}uploads/", for_their_workers(uploads.start), name="x-uploads"),
    path(f"{VISIT}uploads/<uuid:upload_id>/", for_their_workers(uploads.upload), name="x-upload"),
    path(f"{VISIT}uploads/<uuid:upload_id>/done/", for_their_workers(uploads.finish), name="x-upload-done"),
    path("<slug:slug>/<str:token>/", hosted.arrive, name="x-arrive"),
]
