"""The disk this machine keeps its data on."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

LEAST_FREE = 5 * 2**30
LEAST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class DiskFacts:
    path: str
    total: int
    free: int

    @property
    def used(self) -> int:
        return self.total - self.free

    @property
    def is_tight(self) -> bool:
        return self.free < LEAST_FREE or self.free < LEAST_SHARE * self.total


def disk_facts() -> DiskFacts:
    folder: Path = settings.DATA_DIR
    place = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(place)
    return DiskFacts(str(folder), usage.total, usage.free)
