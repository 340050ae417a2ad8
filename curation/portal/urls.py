"""Addresses of the worker portal, under /w/."""

from django.urls import path, re_path

from curation.portal import earnings, home, media, pages, people, result, trying, uploads
from curation.portal.people import for_workers

urlpatterns = [
    path("", home.home, name="w-home"),
    path("leave/", people.leave, name="w-leave"),
    path("join/<str:token>/", people.join, name="w-join"),
    path("batches/<int:batch_id>/take/", home.take, name="w-take"),
    path("pages/<int:page_id>/", pages.page, name="w-page"),
    path("pages/<int:page_id>/answers/<int:answer_id>/", pages.answer, name="w-answer"),
    path("pages/<int:page_id>/submit/", pages.submit, name="w-submit"),
    path("pages/<int:page_id>/skip/", pages.skip, name="w-skip"),
    path("pages/<int:page_id>/result/", result.result, name="w-result"),
    path("language/", people.language, name="w-language"),
    re_path(rf"^media/(?P<answer_id>\d+)/(?P<kind>{media.KIND})/$", media.media, name="w-media"),
    path("pages/<int:page_id>/appeal/", earnings.appeal, name="w-appeal"),
    path("try/<str:token>/", trying.page, name="w-try"),
    path("try/<str:token>/answers/<int:answer_id>/", trying.answer, name="w-try-answer"),
    path("try/<str:token>/submit/", trying.submit, name="w-try-submit"),
    path("try/<str:token>/skip/", trying.submit, name="w-try-skip"),
    path("try/<str:token>/done/", trying.done, name="w-try-done"),
    path("try/<str:token>/uploads/", trying.uploads, name="w-try-uploads"),
    re_path(
        rf"^try/(?P<token>[^/]+)/media/(?P<answer_id>\d+)/(?P<kind>{media.KIND})/$", trying.media, name="w-try-media"
    ),
    path("earnings/", earnings.statement, name="w-earnings"),
    path("earnings.csv", earnings.statement_csv, name="w-earnings-csv"),
    path("uploads/", for_workers(uploads.start), name="w-uploads"),
    path("uploads/<uuid:upload_id>/", for_workers(uploads.upload), name="w-upload"),
    path("uploads/<uuid:upload_id>/done/", for_workers(uploads.finish), name="w-upload-done"),
]
