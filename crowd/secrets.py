"""Secrets of platform accounts: encrypted at rest with keys that live outside of the database."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models

from crowd.errors import CrowdError


@lru_cache(maxsize=4)
def _cipher(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def cipher() -> MultiFernet:
    """The first key encrypts, every key decrypts: a new key is put in front, then old values are saved again."""
    return _cipher(tuple(settings.FIELD_KEYS))


class Secrets(dict[str, str]):
    """The parts of a secret by name. It never shows itself in logs or tracebacks."""

    def __repr__(self) -> str:
        return f"<secrets: {', '.join(sorted(self))}>"

    __str__ = __repr__


if TYPE_CHECKING:
    _Text = models.TextField[Any, Any]
else:
    _Text = models.TextField


class SecretsField(_Text):
    """A column of named secrets: a mapping in Python, ciphertext in the database."""

    def from_db_value(self, value: str | None, *_: Any) -> Secrets:
        if not value:
            return Secrets()
        try:
            return Secrets(json.loads(cipher().decrypt(value.encode())))
        except InvalidToken:
            raise CrowdError(
                "A stored secret cannot be decrypted: the key under DATA_DIR/secrets (or FIELD_KEYS) is another one."
            ) from None

    def to_python(self, value: Mapping[str, str] | None) -> Secrets:
        return Secrets(value or {})

    def get_prep_value(self, value: Mapping[str, str] | None) -> str:
        if not value:
            return ""
        return cipher().encrypt(json.dumps(dict(value)).encode()).decode()
