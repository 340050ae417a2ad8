from django.apps import AppConfig


class CrowdConfig(AppConfig):
    name = "crowd"
    verbose_name = "Crowd platforms and money"

    def ready(self) -> None:
        from crowd import lookups, timestamps

        lookups.register()
        timestamps.register()
