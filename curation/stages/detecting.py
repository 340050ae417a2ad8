"""Asking a detector, which is a tagger, whether a picture was generated or composed; a person has the last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time

from django.core.files.storage import default_storage

from curation.models import Asset
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.taggers.base import Tag
from curation.preprocessing.taggers.looking import Picture
from curation.services import tagging

YES = "yes"


@dataclass(frozen=True, slots=True)
class Detected:
    """What a detector said of a picture, how sure it is, and which version said so."""

    detector: str
    version: str
    says: str
    score: float


def detected(*, asset: Asset, detector: str, words: Sequence[str], least_score: float) -> Detected | None:
    """Return what a detector finds with at least this score; each version of it is asked once a picture.

    `words` are values that it gives such a picture, or keys that it answers with yes.
    """
    known = tagging.known(asset_ids=[asset.pk], taggers=[detector])
    said = known.get((asset.pk, detector)) or _ask(asset, detector)
    wanted = {word.casefold() for word in words}
    found = [tag for tag in said if _word(tag).casefold() in wanted and tag.score >= least_score]
    surest = max(found, key=lambda tag: tag.score, default=None)
    if surest is None:
        return None
    return Detected(detector, tagging.tagger(detector).version, _word(surest), round(surest.score, 4))


def _word(tag: Tag) -> str:
    return tag.key if tag.value == YES else tag.value


def _ask(asset: Asset, name: str) -> list[Tag]:
    tagger = tagging.tagger(name)
    try:
        views = Picture(partial(_read, asset.storage_key), shared_pool().run).views(tagger.needs)
    except (Unreadable, FileNotFoundError):
        return []
    started = process_time()
    tags = list(tagger.tags(views))
    tagging.keep(asset=asset, name=name, tags=tags, seconds=process_time() - started)
    return tags


def _read(key: str) -> bytes:
    with default_storage.open(key, "rb") as file:
        return bytes(file.read())
