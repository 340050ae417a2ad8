"""The same answers give the same bytes: by line or by list, in any process, whatever the hash seed."""

import json
from dataclasses import replace

import pytest

from aggregation import BOX_METHODS, BoxSettings, ImageAnswers, aggregate_boxes, aggregate_many
from tests.aggregation.drawing import DOT, A, B, crowd, moved, seen
from tests.aggregation.test_commands import process, run

__all__ = ["run"]

POOL = [
    replace(image, image=f"i{number}")
    for number, image in enumerate(
        (
            seen(*crowd(3, A, B)),
            seen(*crowd(4, A, B), [A]),
            seen([], [], []),
            seen(*crowd(2, A), [moved(A, 0, label="y")]),
            seen(*crowd(3, A), [moved(A, 40)], [A, DOT]),
            seen(*crowd(2, A), [], []),
            seen([A], [B], []),
            seen(*crowd(5, B, moved(B, -300, label="z"))),
        )
    )
]


def line(image: ImageAnswers) -> str:
    people = [
        {"annotator": a.annotator, "boxes": [{**{k: getattr(b, k) for k in "xywh"}, "label": b.label} for b in a.boxes]}
        for a in image.annotations
    ]
    return json.dumps({"image": image.image, "width": image.width, "height": image.height, "annotations": people})


def text(results) -> str:
    return "".join(json.dumps(result.to_json(), separators=(",", ":")) + "\n" for result in results)


FILE = "\n".join(map(line, POOL))


@pytest.mark.parametrize("method", BOX_METHODS)
def test_a_file_and_a_list_give_the_same_bytes_in_any_process(run, method):
    expected = text(aggregate_many(POOL, method=method))
    assert run("boxes", "-", "--method", method, given=FILE).stdout == expected
    assert process("boxes", "-", "--method", method, given=FILE, PYTHONHASHSEED="7").stdout == expected


@pytest.mark.parametrize("method", BOX_METHODS)
def test_what_ran_before_with_other_settings_does_not_show(method):
    first = text(aggregate_many(POOL, method=method))
    other = BoxSettings(iou=0.5, match_iou=0.3, quorum=0.8, min_answers=1, combine="mean", label_count=9)
    aggregate_many(POOL, other, method=method)
    aggregate_many(POOL[::-1], method=method)
    assert text(aggregate_many(POOL, method=method)) == first


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_the_size_of_the_batches_does_not_show(run, monkeypatch, size):
    expected = run("boxes", "-", given=FILE).stdout
    monkeypatch.setattr("aggregation.commands.files.TOGETHER", size)
    assert run("boxes", "-", given=FILE).stdout == expected == text(map(aggregate_boxes, POOL))


@pytest.mark.parametrize(
    ("question", "answers"),
    [
        ("count", [*crowd(2, A), []]),
        ("groups", [*crowd(2, A), [B]]),
        ("labels", [*crowd(2, A), [moved(A, 0, label="y")]]),
        ("iou", [*crowd(2, A), [moved(A, 40)]]),
        (None, crowd(3, A)),
    ],
)
def test_the_command_names_the_one_question_that_said_no(run, question, answers):
    done = run("boxes", "-", "--iou", "0.7", given=line(seen(*answers)))
    refused = [step for step in json.loads(done.stdout)["trace"] if step.startswith("hard.") and ": no, " in step]
    assert [step.partition(":")[0] for step in refused] == ([f"hard.{question}"] if question else [])
