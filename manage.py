#!/usr/bin/env python
"""Winnow's command line: `python manage.py COMMAND` or `./winnow COMMAND`."""

import os
import sys


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "curation.settings.local")
    from curation.embedded.command_line import run

    return run(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
