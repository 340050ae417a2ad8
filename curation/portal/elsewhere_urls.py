"""Addresses for other platforms and their workers, under /x/. No cookies, signed tokens."""

from django.urls import path

from curation.portal import elsewhere

urlpatterns = [
    path("media/<path:token>", elsewhere.media, name="x-media"),
    path("events/<slug:slug>/", elsewhere.events, name="x-events"),
]
