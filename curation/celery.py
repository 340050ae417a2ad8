"""Celery is a doorbell: what must happen stands in PostgreSQL (see curation.services.jobs)."""

import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "curation.settings.local")

app = Celery("winnow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["curation"])
app.conf.beat_schedule = {"tick": {"task": "curation.tick", "schedule": 1.0, "options": {"expires": 5}}}


@worker_process_init.connect
def close_inherited_connections(**_: object) -> None:
    """A database connection must not cross a fork."""
    from django.db import connections

    connections.close_all()
