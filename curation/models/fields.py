"""Small pieces shared by the models."""

import uuid

from django.db import models
from django.db.models import Func


class UuidV7(Func):
    """`uuidv7()` of PostgreSQL 18; on older servers the function of the first migration with the same name."""

    function = "winnow_uuid7"
    template = "%(function)s()"
    arity = 0
    output_field = models.UUIDField()


def public_id() -> "models.UUIDField[uuid.UUID, uuid.UUID]":
    """Return the column for an id that leaves the house: merge-safe and ordered by time."""
    return models.UUIDField(unique=True, editable=False, db_default=UuidV7())
