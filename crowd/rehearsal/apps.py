from django.apps import AppConfig


class RehearsalConfig(AppConfig):
    name = "crowd.rehearsal"
    label = "rehearsal"
    verbose_name = "Rehearsal crowd"
