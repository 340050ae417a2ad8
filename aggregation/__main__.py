"""`python -m aggregation boxes|labels|agreement FILE`: consensus without a database."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from typing import NoReturn

from aggregation import commands
from aggregation.boxes import METHODS as BOX_METHODS
from aggregation.core.errors import BadInput
from aggregation.labels import METHODS as LABEL_METHODS

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Leave with one sentence; the usage is a --help away."""
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def parser() -> ArgumentParser:
    """Return the parser of all three commands."""
    root = _Parser(prog="python -m aggregation", description=__doc__, allow_abbrev=False)
    kinds = root.add_subparsers(dest="command", required=True, metavar="boxes|labels|agreement")
    boxes = _command(kinds.add_parser("boxes", help="one consensus an image", allow_abbrev=False))
    boxes.set_defaults(run=commands.boxes)
    _add_method(boxes, "hard-soft-drop", BOX_METHODS)
    _add_iou(boxes)
    labels = _command(kinds.add_parser("labels", help="one label a task", allow_abbrev=False))
    labels.set_defaults(run=commands.labels)
    _add_method(labels, "majority", LABEL_METHODS)
    agreement = _command(kinds.add_parser("agreement", help="how far people agree", allow_abbrev=False))
    agreement.set_defaults(run=commands.agreement)
    _add_iou(agreement)
    return root


def _command(command: ArgumentParser) -> ArgumentParser:
    command.add_argument("file", metavar="FILE", help="JSON lines; - reads standard input")
    command.add_argument("--set", action="append", default=[], metavar="key=value", help="change one setting")
    command.add_argument("--out", metavar="FILE", help="write the results here instead of standard output")
    command.add_argument("--json", action="store_true", help="print one JSON document instead of lines")
    return command


def _add_method(command: ArgumentParser, default: str, known: Iterable[str]) -> None:
    command.add_argument("--method", default=default, metavar="M", help=f"{', '.join(known)} (default {default})")
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
