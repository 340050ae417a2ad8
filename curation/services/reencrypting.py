"""Stored secrets are encrypted anew with the newest of FIELD_KEYS, so that the older keys can go."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.apps import apps
from django.db import models, transaction

from crowd.errors import CrowdError
from crowd.secrets import SecretsField


@dataclass(frozen=True, slots=True)
class Reencrypted:
    """How many secrets of each kind of row have the newest key now, and how many no key opens."""

    done: Counter[str] = field(default_factory=Counter)
    locked: Counter[str] = field(default_factory=Counter)


def reencrypt() -> Reencrypted:
    """Encrypt every stored secret with the first key; whoever saves one meanwhile does the same."""
    result = Reencrypted()
    for model, column in _columns():
        name = str(model._meta.verbose_name_plural)
        for pk in model._base_manager.exclude(**{column: ""}).order_by("pk").values_list("pk", flat=True):
            (result.done if _again(model, column, pk) else result.locked)[name] += 1
    return result


def _columns() -> Iterator[tuple[type[models.Model], str]]:
    for model in apps.get_models():
        for one in model._meta.fields:
            if isinstance(one, SecretsField):
                yield model, one.name


@transaction.atomic
def _again(model: type[models.Model], column: str, pk: int) -> bool:
    row = model._base_manager.select_for_update().filter(pk=pk)
    try:
        for secrets in row.values_list(column, flat=True):
            row.update(**{column: secrets})
    except CrowdError:
        return False
    return True
