from django.apps import AppConfig


class CurationConfig(AppConfig):
    name = "curation"
    verbose_name = "Winnow"

    def ready(self) -> None:
        from curation import checks  # noqa: F401  registers the system checks
