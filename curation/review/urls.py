"""Addresses of the review screens, under /p/<project>/review/."""

from django.urls import path

from curation.review import looking, views

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
    path("account/keys/", looking.keep_keys, name="own-keys"),
]
