"""How far people agree, for box answers and for label votes alike."""

import sys
from argparse import Namespace
from contextlib import ExitStack
from itertools import chain

from aggregation.agreement import BoxAgreement, label_agreement
from aggregation.commands.boxes import box_settings
from aggregation.commands.files import counted, source, target, write
from aggregation.core.reading import documents, read_images, read_votes


def run(options: Namespace) -> None:
    """Write one report about all answers in a file."""
    settings = box_settings(options)
    with source(options.file) as lines:
        pairs = documents(lines)
        first = next(pairs, None)
        everything = chain([first] if first else [], pairs)
        if first and "task" in first[1]:
            report = label_agreement(read_votes(everything))
        else:
            collected = BoxAgreement(settings)
            for image in counted(read_images(everything, settings.flags)):
                collected.add(image)
            report = collected.report()
    with ExitStack() as outputs:
        out = outputs.enter_context(target(options.out)) if options.out else sys.stdout.buffer
        if options.json:
            write(out, report.to_json())
        else:
            out.writelines(f"{line}\n".encode("utf-8", "backslashreplace") for line in report.lines())
