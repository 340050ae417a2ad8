"""What would have been bought, had the stored answers been asked for one at a time where they are worth it."""

import sys
from argparse import Namespace
from contextlib import ExitStack
from dataclasses import fields

from aggregation.adapt import AdaptSettings, simulate
from aggregation.boxes import box_method
from aggregation.boxes.settings import BoxSettings
from aggregation.commands.boxes import box_settings
from aggregation.commands.files import counted, result_lines, source, write
from aggregation.core.errors import BadInput
from aggregation.core.reading import documents, read_images
from aggregation.core.settings import number, with_pairs


def run(options: Namespace) -> None:
    """Write for each image how many answers it would have got and what is advised now; with --json the sums."""
    buying, settings = _settings(options)
    box_method(options.method)
    seed = None if options.seed is None else _seed(options.seed)
    budget = None if options.budget is None else number("--budget", options.budget)
    with source(options.file) as lines:
        images = list(counted(read_images(documents(lines), settings.flags)))
    replay = simulate(images, options.method, buying, settings, seed=seed, budget=budget)
    with ExitStack() as outputs:
        out = result_lines(options, outputs)
        if out:
            for line in replay.lines():
                write(out, line)
    if options.json:
        write(sys.stdout.buffer, {"method": options.method, "settings": buying.to_json(), **replay.to_json()})


def _seed(text: str) -> int:
    seed = int(number("--seed", text, whole=True))
    if seed < 0:
        raise BadInput(f"--seed is {text!r}: expected a whole number of at least 0")
    return seed


def _settings(options: Namespace) -> tuple[AdaptSettings, BoxSettings]:
    """Return the settings of buying and of combining: a key of buying goes there, any other to combining."""
    known = {field.name for field in fields(AdaptSettings)}
    own = [pair for pair in options.set if pair.partition("=")[0] in known]
    named = {"price": options.price, "value": options.value, "max_answers": options.max}
    own += [f"{key}={text}" for key, text in named.items() if text is not None]
    options.set = [pair for pair in options.set if pair.partition("=")[0] not in known]
    return with_pairs(AdaptSettings(), own), box_settings(options)
