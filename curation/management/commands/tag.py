"""Tag pictures and videos, in a cascade if asked; needs no project."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.intake.kinds import PICTURE_SUFFIXES, VIDEO_SUFFIXES
from curation.management.terminal import Progress
from curation.preprocessing.cache import Cache, user_folder
from curation.preprocessing.cascade import BadCascade, Cascade, read_cascade
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.taggers import registry
from curation.preprocessing.taggers.registry import BadTagger
from curation.preprocessing.tagging import VERSION, Outcome, Tagging
from curation.preprocessing.video import looks_like_video
from curation.preprocessing.video_child import Order, reading

EVERY = 10
MOST_VALUES = 8


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a step: write a whole number from 1, such as 10")
    return int(text)


def words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


class Command(BaseCommand):
    help = "Tag the pictures and videos of folders: what a measurement, a detector or a model says of each."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("sources", type=Path, nargs="+", metavar="FOLDER|PICTURE|VIDEO")
        parser.add_argument("--taggers", type=words, metavar="A,B", help="default: " + ",".join(registry.USUAL))
        parser.add_argument(
            "--cascade", type=Path, metavar="FILE", help="YAML: layers, each sees what the last let through"
        )
        parser.add_argument(
            "--setups", type=Path, metavar="FILE", help="YAML: taggers of your own, such as ONNX models"
        )
        parser.add_argument("--every", type=positive, default=EVERY, metavar="N", help="each n-th frame of a video")
        parser.add_argument("--keyframes", action="store_true", help="the key frames of a video instead")
        parser.add_argument(
            "--cache", type=Path, metavar="DIR", help="where results are kept; default: the user's cache"
        )
        parser.add_argument("--no-cache", action="store_true", help="keep nothing, ask every tagger again")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.perf_counter()
        files = sorted(dict.fromkeys(_files(options["sources"])))
        with ExitStack() as stack:
            tagging = _tagging(options, stack)
            unreadable: list[tuple[Path, str]] = []
            bar = stack.enter_context(Progress("tagging", visible=sys.stderr.isatty()))
            try:
                outcomes = list(
                    _outcomes(files, tagging, Order(options["every"], options["keyframes"]), unreadable, bar)
                )
            except BadTagger as error:
                raise CommandError(str(error), returncode=2) from None
            except KeyboardInterrupt:
                self.stderr.write("What was found is kept; the same command goes on from there.")
                raise
        document = _document(tagging, outcomes, unreadable, round(time.perf_counter() - started, 3))
        self.stdout.write(json.dumps(document, ensure_ascii=False) if options["json"] else "\n".join(_table(document)))
        if unreadable and not outcomes:
            raise CommandError("none of the files could be read", returncode=1)


def _tagging(options: dict[str, Any], stack: ExitStack) -> Tagging:
    file: Path | None = options["setups"] or settings.TAGGERS_FILE
    try:
        cascade = read_cascade(options["cascade"]) if options["cascade"] else None
        setups = registry.read_setups(file) if file else {}
        taggers = registry.load(_wanted(options["taggers"], cascade), setups)
    except (BadCascade, BadTagger) as error:
        raise CommandError(str(error), returncode=2) from None
    if cascade is not None and options["taggers"]:
        cascade = cascade.model_copy(update={"taggers": options["taggers"]})
    try:
        cache = None if options["no_cache"] else stack.enter_context(Cache(options["cache"] or user_folder(), VERSION))
    except OSError as error:
        raise CommandError(f"--cache: {error}", returncode=2) from None
    pool = shared_pool()
    stack.callback(pool.close)
    return Tagging(taggers, cascade=cascade, cache=cache, run=pool.run)


def _wanted(taggers: list[str] | None, cascade: Cascade | None) -> list[str]:
    if cascade is None:
        return taggers or list(registry.USUAL)
    return [*(layer.tagger for layer in cascade.layers), *(taggers or cascade.taggers)]


def _files(sources: Iterable[Path]) -> Iterator[Path]:
    for source in sources:
        if source.is_dir():
            inside = (path for path in source.rglob("*") if path.suffix.lower() in PICTURE_SUFFIXES | VIDEO_SUFFIXES)
            yield from (path for path in inside if path.is_file())
        elif source.is_file():
            yield source
        else:
            raise CommandError(
                f"{source} is no folder and no file; name pictures, videos or their folder", returncode=2
            )


def _outcomes(
    files: list[Path], tagging: Tagging, order: Order, unreadable: list[tuple[Path, str]], bar: Progress
) -> Iterator[Outcome]:
    for number, path in enumerate(files):
        bar.show(number, len(files))
        try:
            yield from _of_file(path, tagging, order)
        except Unreadable as refusal:
            unreadable.append((path, refusal.sentence))
        except OSError as error:
            unreadable.append((path, f"the file cannot be read: {error.strerror or error}"))
    bar.show(len(files), len(files))


def _of_file(path: Path, tagging: Tagging, order: Order) -> Iterator[Outcome]:
    with path.open("rb") as file:
        is_video = looks_like_video(file.read(16))
    if not is_video:
        yield tagging.picture(path)
        return
    with reading(path, order) as video:
        yield from tagging.frames(path, video.frames)


def _document(
    tagging: Tagging, outcomes: list[Outcome], unreadable: list[tuple[Path, str]], seconds: float
) -> dict[str, Any]:
    totals = tagging.totals
    return {
        "items": [_item(one) for one in outcomes],
        "values": _values(outcomes),
        "taggers": [
            {"name": name, "version": tagger.version, **asdict(tagging.usage[name])}
            for name, tagger in tagging.taggers.items()
        ],
        "layers": list(_layers(tagging)),
        "intervals": [
            {"file": str(file), **asdict(one), "start": round(one.start, 3), "end": round(one.end, 3)}
            for file, one in sorted(totals.intervals, key=lambda of: (of[0], of[1].layer, of[1].first))
        ],
        "faults": [{"file": str(file), "reason": reason} for file, reason in totals.faults],
        "unreadable": [{"file": str(file), "reason": reason} for file, reason in unreadable],
        "pictures": totals.pictures,
        "seconds": seconds,
    }


def _item(outcome: Outcome) -> dict[str, Any]:
    place = {} if outcome.index is None else {"index": outcome.index, "time": round(outcome.seconds, 3)}
    stopped = {} if outcome.stopped_at < 0 else {"stopped_at": outcome.stopped_at}
    tags = [{"tagger": name, **_said(asdict(tag))} for name, said in outcome.tags.items() for tag in said]
    return {"file": str(outcome.file), **place, **stopped, "tags": tags}


def _said(tag: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tag.items() if value is not None}


def _values(outcomes: Iterable[Outcome]) -> dict[str, dict[str, int]]:
    """Count the pictures for each value of each key."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for key, value in {(tag.key, tag.value) for said in outcome.tags.values() for tag in said}:
            counts.setdefault(key, Counter())[value] += 1
    return {key: dict(counts[key].most_common()) for key in sorted(counts)}


def _layers(tagging: Tagging) -> Iterator[dict[str, Any]]:
    totals, layers = tagging.totals, tagging.cascade.layers if tagging.cascade else []
    entered = [totals.pictures, *totals.passed]
    for layer, reached, passed in zip(layers, entered, entered[1:], strict=False):
        usage = tagging.usage[layer.tagger]
        each = usage.seconds / usage.worked if usage.worked else tagging.taggers[layer.tagger].cost_ms / 1000
        saved = totals.pictures - reached
        yield {
            "tagger": layer.tagger,
            "in": reached,
            "passed": passed,
            "seconds": round(usage.seconds, 3),
            "saved": saved,
            "saved_seconds": round(saved * each, 3),
        }


def _table(document: dict[str, Any]) -> Iterator[str]:
    for key, values in document["values"].items():
        shown = ", ".join(f"{value} {count:,}" for value, count in list(values.items())[:MOST_VALUES])
        yield f"{key:<15} {shown}" + (" …" if len(values) > MOST_VALUES else "")
    for layer in document["layers"]:
        yield (
            f"layer {layer['tagger']:<12} {layer['in']:>7,} in {layer['passed']:>7,} passed "
            f"{layer['seconds']:>8.2f} s, {layer['saved']:,} calls ({layer['saved_seconds']:.2f} s) saved"
        )
    for one in document["intervals"]:
        yield f"interval {one['file']}  layer {one['layer']}  {one['start']:.1f}-{one['end']:.1f} s"
    for one in (*document["faults"], *document["unreadable"]):
        yield f"{one['file']}  {one['reason']}"
    for tagger in document["taggers"]:
        yield f"{tagger['name']:<12} asked {tagger['asked']:,}, worked {tagger['worked']:,}, {tagger['seconds']:.2f} s"
    yield f"{document['pictures']:,} pictures and frames in {document['seconds']:.1f} s"
