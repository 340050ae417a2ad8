"""The addresses browsers ask for changed numbers."""

from django.urls import path

from curation.live import views

urlpatterns = [
    path("live/", views.home_changes, name="live-home"),
    path("live/<uuid:public_id>/", views.changes, name="live"),
]
