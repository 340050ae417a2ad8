"""The record of who did what can be narrowed to whatever is written into it."""

import re
from pathlib import Path

from curation.services.audit import SUBJECTS

KIND = re.compile(r'kind ?= ?f?"([a-z_]+)\.')


def test_every_kind_of_event_has_a_name_in_the_record():
    written = {found for path in Path("curation").rglob("*.py") for found in KIND.findall(path.read_text())}
    assert len(written) > 20
    assert written - set(SUBJECTS) == set()
