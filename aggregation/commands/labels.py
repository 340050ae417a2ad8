"""Consensus of labels, a task a line."""

import sys
from argparse import Namespace
from collections import Counter
from contextlib import ExitStack

from aggregation.commands.files import result_lines, source, worker_lines, write, write_skills
from aggregation.core.answers import NEXT_STEPS
from aggregation.core.reading import documents, read_votes
from aggregation.core.settings import with_pairs
from aggregation.labels import aggregate_labels, label_method
from aggregation.labels.result import LabelOutcome
from aggregation.labels.settings import LabelSettings


def run(options: Namespace) -> None:
    """Write one label a task, sorted by task."""
    settings = with_pairs(LabelSettings(), options.set)
    label_method(options.method)
    with source(options.file) as lines:
        outcome = aggregate_labels(list(read_votes(documents(lines))), settings, options.method)
    with ExitStack() as outputs:
        out, workers = result_lines(options, outputs), worker_lines(options, outputs)
        if out:
            for task, result in outcome.tasks.items():
                write(out, result.to_json(task))
        write_skills(workers, outcome.workers)
    if outcome.caution:
        sys.stderr.write(f"{outcome.caution}\n")
    if options.json:
        write(sys.stdout.buffer, _summary(outcome, options.method, settings))


def _summary(outcome: LabelOutcome, method: str, settings: LabelSettings) -> dict[str, object]:
    said = Counter(result.label for result in outcome.tasks.values() if result.label is not None)
    advice = Counter(result.next for result in outcome.tasks.values())
    return {
        "method": method,
        "settings": settings.to_json(),
        "tasks": len(outcome.tasks),
        "undecided": len(outcome.tasks) - sum(said.values()),
        "labels": dict(sorted(said.items())),
        "next": {name: advice[name] for name in NEXT_STEPS},
        "workers": len(outcome.workers),
        "caution": outcome.caution,
    }
