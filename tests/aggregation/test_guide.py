"""The guide shows what the library does."""

import importlib.util
import re
from dataclasses import fields

from aggregation import BOX_METHODS, BoxSettings, aggregate_boxes
from tests.aggregation.drawing import ROOT

GUIDE = (ROOT / "docs" / "aggregation.md").read_text()


def example():
    spec = importlib.util.spec_from_file_location("five_answers", ROOT / "docs" / "examples" / "five_answers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_what_its_script_draws():
    shown = example()
    assert shown.PICTURE.read_text() == shown.drawing(shown.IMAGE, aggregate_boxes(shown.IMAGE))
    assert f"pictures/{shown.PICTURE.name}" in GUIDE


def test_the_example_in_the_guide_prints_what_stands_below_it(capsys):
    code, said = re.search(
        r"```python\n(from aggregation import Box,.*?)```\n\n```\n(.*?)```", GUIDE, re.DOTALL
    ).groups()
    exec(code, {})  # noqa: S102 - our own guide
    assert capsys.readouterr().out == said


def test_the_guide_names_every_method_and_setting_of_boxes():
    names = [*BOX_METHODS, *(field.name for field in fields(BoxSettings))]
    assert [name for name in names if f"`{name}`" not in GUIDE] == []
