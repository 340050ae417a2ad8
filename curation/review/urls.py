"""Addresses of the review screen, under /p/<project>/review/."""

from django.urls import path

from curation.review import views

urlpatterns = [
    path("p/<uuid:public_id>/review/", views.screen, name="review"),
    path("p/<uuid:public_id>/review/next/", views.next_images, name="review-next"),
    path("p/<uuid:public_id>/review/decisions/", views.decisions, name="review-decisions"),
    path("p/<uuid:public_id>/review/release/", views.release, name="review-release"),
]
