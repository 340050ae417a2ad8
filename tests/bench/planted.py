"""The whole planted set: what each kind was called, and milliseconds per photo. `make bench` runs it."""

from __future__ import annotations

import io
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import imagehash  # noqa: E402
import PIL  # noqa: E402
from PIL import Image  # noqa: E402

from curation.preprocessing.decode import Analysis, analyse  # noqa: E402
from curation.preprocessing.folder import find_duplicates  # noqa: E402
from curation.preprocessing.preview import Preview  # noqa: E402
from curation.preprocessing.templates import match_template, template_features  # noqa: E402
from tests.planted import Planted, plant  # noqa: E402
from tests.preprocessing.judge import confusion  # noqa: E402


def milliseconds(work: Callable[[Any], object], items: Iterable[Any]) -> float:
    """Return the median processor time of one item, in milliseconds."""
    spent = []
    for item in items:
        started = time.process_time()
        work(item)
        spent.append(1000 * (time.process_time() - started))
    return round(statistics.median(spent), 2)


def speed(photos: list[bytes], template: bytes) -> dict[str, float]:
    seen = [analyse(data) for data in photos]  # also warms every library up
    features = template_features(template)
    match_template(seen[0], features)
    return {
        "analyse": milliseconds(analyse, photos),
        "analyse without the 64-bit hash": milliseconds(lambda data: analyse(data, compat=False), photos),
        "imagehash.phash of a full decode": milliseconds(lambda data: imagehash.phash(opened(data)), photos),
        "corner features": milliseconds(lambda one: Preview(one.preview.grey).features, seen),
        "one template, features included": milliseconds(lambda one: match_template(fresh(one), features), seen),
    }


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def fresh(seen: Analysis) -> Analysis:
    """Return the same analysis with nothing worked out from its preview yet."""
    values = {name: getattr(seen, name) for name in seen.__dataclass_fields__}
    return Analysis(**{**values, "preview": Preview(seen.preview.grey)})


def calls(folder: Path, template: Path, truth: list[Planted]) -> dict[str, Any]:
    files = [(path.name, path) for path in sorted(folder.iterdir())]
    started = time.perf_counter()
    report = asdict(find_duplicates(files, templates=[str(template)]))
    seconds = time.perf_counter() - started
    judged = confusion(report, truth)
    copies = [one for one in truth if one.kind in ("template", "processed")]
    accused = {one["file"] for one in report["template_copies"]}
    return {
        "files": len(truth),
        "seconds": round(seconds, 1),
        "calls": judged.table,
        "called wrongly": [f"{planted.kind} {planted.name}: {sorted(words)}" for planted, words in judged.wrong],
        "template copies": {
            "planted": len(copies),
            "found": sum(one.name in accused for one in copies),
            "others accused": len(accused - {one.name for one in copies}),
        },
    }


def main() -> int:
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as place:
        template, truth = plant(Path(place))
        folder = Path(place) / "photos"
        clean = [(folder / one.name).read_bytes() for one in truth if one.kind == "clean"][:100]
        result = {
            "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
            "versions": {"pillow": PIL.__version__, "opencv": cv2.__version__},
            "kilobytes per photo": round(statistics.median(len(data) for data in clean) / 1024),
            "milliseconds per 1920x1080 JPEG": speed(clean, template.read_bytes()),
            "planted set": calls(folder, template, truth),
        }
    text = json.dumps(result, indent=1)
    target = ROOT / "var" / "bench" / "planted.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    return 1 if result["planted set"]["called wrongly"] else 0


if __name__ == "__main__":
    sys.exit(main())
