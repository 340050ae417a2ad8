"""Pictures on their way through a running product: each is looked at once, whatever breaks meanwhile."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tests.embedded.observe import eventually
from tests.faults.sides import Product

SIZE = (320, 240)
SMALL_IS_FINE = ("--set", "checks.min_long=320", "--set", "checks.min_short=240")
LONG = 240.0  # seconds, on a machine that has other things to do


@dataclass(frozen=True, slots=True)
class Intake:
    """A project that pictures are brought to; its checks are the machine's own work."""

    product: Product
    name: str

    def bring(self, n: int, *, seed: int) -> int:
        """Take in so many new pictures; return how many there are then."""
        with tempfile.TemporaryDirectory() as folder:
            pictures(Path(folder), n, seed)
            told = self.product.manage("ingest", self.name, folder, "--create", "gestures", *SMALL_IS_FINE, "--json")
        assert json.loads(told)["new"] == n, told
        return self.count()

    def count(self) -> int:
        return self.product.one(
            "SELECT count(*) FROM curation_asset a JOIN curation_project p ON p.id = a.project_id WHERE p.slug = %s",
            self.name,
        )

    def at_the_checks(self) -> int:
        return self.product.one(
            "SELECT count(*) FROM curation_asset a JOIN curation_stage s ON s.id = a.stage_id"
            " JOIN curation_project p ON p.id = a.project_id WHERE p.slug = %s AND s.kind = 'checks'", self.name,
        )  # fmt: skip

    def is_through(self) -> bool:
        return self.at_the_checks() == 0

    def wait(self, condition: Callable[[], object] | None = None) -> None:
        assert eventually(condition or self.is_through, seconds=LONG), self.standing()

    def standing(self) -> str:
        jobs = self.product.rows("SELECT kind, state, crashes, failures, last_error FROM curation_job")
        return f"{self.at_the_checks()} pictures wait; {jobs}"

    def wrong(self, n: int) -> list[str]:
        """Return what is not as it should be with n pictures: looked at once, with all copies, counted once."""
        ask = self.product.one
        verdicts = ask(
            "SELECT count(*) FROM curation_decision d JOIN curation_stage s ON s.id = d.stage_id"
            " JOIN curation_project p ON p.id = s.project_id WHERE p.slug = %s AND s.kind = 'checks'"
            " AND d.verdict = 'passed'", self.name,
        )  # fmt: skip
        keys = self.product.rows(
            "SELECT a.storage_key, v.screen_key, v.thumb_key FROM curation_asset a"
            " JOIN curation_project p ON p.id = a.project_id"
            " LEFT JOIN curation_assetpreview v ON v.asset_id = a.id WHERE p.slug = %s", self.name,
        )  # fmt: skip
        media = self.product.data_dir / "media"
        lost = [key for row in keys for key in row if not key or not (media / key).is_file()]
        return [
            *([f"{len(keys)} pictures, {n} brought"] if len(keys) != n else []),
            *([f"{verdicts} verdicts about {n} pictures"] if verdicts != n else []),
            *(f"there is no file {key!r}" for key in lost),
        ]


def pictures(folder: Path, n: int, seed: int) -> None:
    for number in range(n):
        (folder / f"{seed}-{number:05}.png").write_bytes(picture(1_000 * seed + number))


def picture(number: int) -> bytes:
    """Return a small picture unlike that of any other number."""
    coarse = Image.fromarray(np.random.default_rng(number).integers(0, 256, (16, 16, 3), dtype=np.uint8))
    data = io.BytesIO()
    coarse.resize(SIZE, Image.Resampling.NEAREST).save(data, "PNG")
    return data.getvalue()
