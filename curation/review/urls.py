"""Addresses of the review screens, under /p/<project>/review/."""

from django.urls import path

from curation.review import checks, looking, submissions, views

P = "p/<uuid:public_id>/review/"

urlpatterns = [
    path(P, views.screen, name="review"),
    path(f"{P}grid/", views.grid, name="review-grid"),
    path(f"{P}next/", views.next_images, name="review-next"),
    path(f"{P}decisions/", views.decisions, name="review-decisions"),
    path(f"{P}release/", views.release, name="review-release"),
    path(f"{P}recent/", looking.recent, name="review-recent"),
    path(f"{P}recent/<uuid:key>/", looking.decided, name="review-decided"),
    path(f"{P}similar/<uuid:asset_id>/", looking.similar, name="review-similar"),
    path(f"{P}checks/", checks.screen, name="review-checks"),
    path(f"{P}checks/next/", checks.next_checks, name="review-checks-next"),
    path(f"{P}checks/decisions/", checks.decisions, name="review-checks-decisions"),
    path(f"{P}submissions/", submissions.page, name="submissions"),
    path(f"{P}submissions/judge/", submissions.judge, name="submissions-judge"),
    path(f"{P}submissions/<uuid:asset_id>/clip/", submissions.clip, name="submission-clip"),
    path("account/keys/", looking.keep_keys, name="own-keys"),
]
