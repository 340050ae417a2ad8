"""`python -m aggregation boxes|labels|agreement|adapt FILE`: consensus without a database."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import NoReturn

from aggregation.boxes import METHODS as BOX_METHODS
from aggregation.commands import adapt, agreement, boxes, labels
from aggregation.core.errors import BadInput
from aggregation.labels import METHODS as LABEL_METHODS

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave with one sentence; the usage is a --help away."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def parser() -> ArgumentParser:
    """Return the parser of all commands."""
    root = _Parser(prog="python -m aggregation", description=__doc__, allow_abbrev=False)
    kinds = root.add_subparsers(dest="command", required=True, metavar="boxes|labels|agreement|adapt")
    _add_boxes(_command(kinds.add_parser("boxes", help="one consensus an image", allow_abbrev=False)))
    _add_labels(_command(kinds.add_parser("labels", help="one label a task", allow_abbrev=False)))
    _add_agreement(_command(kinds.add_parser("agreement", help="how far people agree", allow_abbrev=False)))
    _add_adapt(_command(kinds.add_parser("adapt", help="what would have been bought", allow_abbrev=False)))
    return root


def _command(command: ArgumentParser) -> ArgumentParser:
    command.add_argument("file", metavar="FILE", help="JSON lines; - reads standard input")
    command.add_argument("--set", action="append", default=[], metavar="key=value", help="change one setting")
    command.add_argument("--out", metavar="FILE", help="write the results here instead of standard output")
    command.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    return command


def _add_boxes(command: ArgumentParser) -> None:
    command.set_defaults(run=boxes.run)
    _add_method(command, "hard-soft-drop", BOX_METHODS)
    _add_workers(command)
    command.add_argument(
        "--state", metavar="FILE", help="what reliability knows of people: read if there, then updated"
    )
    command.add_argument("--known", metavar="FILE", help="true boxes of some images, for reliability to learn from")
    _add_iou(command)


def _add_labels(command: ArgumentParser) -> None:
    command.set_defaults(run=labels.run)
    _add_method(command, "one-coin", LABEL_METHODS)
    _add_workers(command)


def _add_agreement(command: ArgumentParser) -> None:
    command.set_defaults(run=agreement.run)
    _add_iou(command)


def _add_adapt(command: ArgumentParser) -> None:
    command.set_defaults(run=adapt.run)
    _add_method(command, "reliability", BOX_METHODS)
    _add_iou(command)
    for name, shown, what in (
        ("--price", "0.01", "what one answer costs"),
        ("--value", "0.10", "what one error less is worth"),
        ("--max", "7", "most answers an image"),
        ("--budget", "3.0", "answers an image, spent where they gain most"),
        ("--seed", "0", "take the answers in a random order instead of the file's"),
    ):
        command.add_argument(name, metavar=shown, help=what)


def _add_method(command: ArgumentParser, default: str, known: Iterable[str]) -> None:
    command.add_argument("--method", default=default, metavar="M", help=f"{', '.join(known)} (default {default})")


def _add_workers(command: ArgumentParser) -> None:
    command.add_argument("--workers", metavar="FILE", help="write one line of skill a worker here")


def _add_iou(command: ArgumentParser) -> None:
    command.add_argument("--iou", metavar="0.7", help="least IoU inside a group")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BadInput as error:
        return _leave(BAD_INPUT, str(error))
    except BrokenPipeError:
        # whoever read us has seen enough; nothing may complain at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _leave(FAILED, f"writing failed: {error.strerror}")
    except KeyboardInterrupt:
        return _leave(INTERRUPTED, "interrupted")
    return DONE


def _leave(status: int, sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
