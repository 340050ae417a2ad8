"""The table of cases that comes with the sample data, read from its file."""

import json

import pytest

from aggregation import BoxSettings, aggregate_boxes, parse_image
from tests.aggregation.drawing import SAMPLES

FILE = SAMPLES / "rule-cases.jsonl"
CASES = [json.loads(line) for line in FILE.read_text().splitlines()] if FILE.is_file() else []
BOX_KEYS = ("x", "y", "w", "h", "label", "support")


def test_the_table_of_cases_is_there():
    if not CASES:
        pytest.skip(f"no {FILE}: set WINNOW_SAMPLE_DATA")
    assert len(CASES) >= 60


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_a_case_of_the_table_comes_out_as_stated(case):
    result = aggregate_boxes(parse_image(case["input"]), BoxSettings(**case["settings"]))
    document, expected = result.to_json(), case["expect"]
    assert {key: document[key] for key in ("status", "used", "dropped", "next")} == {
        key: expected[key] for key in ("status", "used", "dropped", "next")
    }
    assert [{key: box[key] for key in BOX_KEYS} for box in document["boxes"]] == expected["boxes"]
    assert result.failed_question == expected.get("hard_fails_at")
    assert result.reason == expected.get("reason")
