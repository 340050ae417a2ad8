"""Commands that learn from a whole file: reliability with its memory and its truth, and what would have been bought."""

import json

import pytest

from aggregation import ReliabilityState
from tests.aggregation.test_commands import GOOD, A, B, image, lines, run

__all__ = ["run"]

RELIABILITY = ("--method", "reliability")


@pytest.fixture
def pool(tmp_path):
    """Twelve images with an object; u2 misses it and draws something else."""
    file = tmp_path / "pool.jsonl"
    file.write_text("\n".join(image(f"i{n}", [A], [B], [A], [A]) for n in range(12)))
    return file


def test_reliability_resolves_in_the_order_of_the_input_and_writes_skills(run, pool, tmp_path):
    done = run("boxes", pool, *RELIABILITY, "--workers", tmp_path / "workers")
    results = lines(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [result["image"] for result in results] == [f"i{n}" for n in range(12)]
    assert {result["method"] for result in results} == {"reliability"}
    skills = {row["worker"]: row for row in lines((tmp_path / "workers").read_text())}
    assert list(skills) == ["u1", "u2", "u3", "u4"]
    assert skills["u2"]["sensitivity"] < skills["u1"]["sensitivity"]


def test_what_was_learnt_is_kept_and_another_file_is_resolved_by_it(run, pool, tmp_path):
    state = tmp_path / "state.json"
    assert run("boxes", pool, *RELIABILITY, "--state", state, "--json").returncode == 0
    first = state.read_text()
    assert ReliabilityState.from_json(json.loads(first)).workers == ("u1", "u2", "u3", "u4")
    later = image("later", [A, B], [A], [B])
    alone = lines(run("boxes", "-", *RELIABILITY, given=later).stdout)[0]
    knowing = lines(run("boxes", "-", *RELIABILITY, "--state", state, given=later).stdout)[0]
    assert knowing["confidence"] != alone["confidence"]
    assert state.read_text() != first


def test_true_boxes_of_some_images_teach_who_is_right(run, pool, tmp_path):
    known = tmp_path / "known.jsonl"
    known.write_text("\n".join(json.dumps({"image": f"i{n}", "boxes": [B]}) for n in range(12)))
    for name, more in (("plain", ()), ("taught", ("--known", known))):
        assert run("boxes", pool, *RELIABILITY, "--json", "--workers", tmp_path / name, *more).returncode == 0
    plain, taught = ({r["worker"]: r for r in lines((tmp_path / n).read_text())} for n in ("plain", "taught"))
    assert taught["u2"]["sensitivity"] > plain["u2"]["sensitivity"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "not JSON: expected what an earlier run wrote"),
        ("{}", "state of the reliability model: no version: expected what this library wrote"),
        ('{"version": 99}', "state of the reliability model: version 99: expected"),
    ],
)
def test_a_state_that_cannot_be_read_is_refused_and_left_as_it_was(run, pool, tmp_path, text, sentence):
    state = tmp_path / "state.json"
    state.write_text(text)
    done = run("boxes", pool, *RELIABILITY, "--state", state)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"cannot read {state}: {sentence}")
    assert state.read_text() == text


def test_a_bad_line_leaves_the_state_as_it_was(run, tmp_path):
    state = tmp_path / "state.json"
    assert run("boxes", "-", *RELIABILITY, "--state", state, given=GOOD + "\n{").returncode == 2
    assert not state.exists()


def test_a_bad_line_of_truth_names_its_file(run, pool, tmp_path):
    known = tmp_path / "known.jsonl"
    known.write_text('{"image": "a", "boxes": []}\n{"image": "a", "boxes": []}')
    done = run("boxes", pool, *RELIABILITY, "--known", known)
    assert done.returncode == 2
    assert done.stderr == f"{known}, line 2, image 'a': given twice: expected each image once\n"


def test_adapt_says_for_every_image_what_would_have_been_bought(run, pool):
    done = run("adapt", pool, "--method", "median")
    results = lines(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert [result["image"] for result in results] == [f"i{n}" for n in range(12)]
    assert list(results[0]) == ["image", "answers", "next", "gain", "price", "words"]


def test_adapt_sums_up_and_a_higher_price_buys_less(run, pool):
    cheap, dear = (json.loads(run("adapt", pool, "--price", price, "--json").stdout) for price in ("0.0001", "5"))
    assert dear["answers"] < cheap["answers"]
    assert dear["mean_answers"] == 2
    assert dear["settings"]["price"] == 5
    assert dear["spent"] == pytest.approx(5 * 24)


def test_adapt_spends_a_budget_in_a_random_order_that_its_seed_repeats(run, pool):
    arguments = ("adapt", pool, "--budget", "2.5", "--seed", "3", "--set", "iou=0.6", "--set", "placement=0.2")
    first, second = run(*arguments), run(*arguments)
    assert first.stdout == second.stdout
    assert sum(line["answers"] for line in lines(first.stdout)) <= 30
