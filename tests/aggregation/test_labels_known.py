"""Labels where something is known: control tasks, skills, and who errs in most answers."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregation import LABEL_METHODS, LabelSettings, Vote, aggregate_labels
from aggregation.__main__ import main
from aggregation.labels.posterior import label_posterior
from tests.aggregation.test_labels import every_method, pool, votes

# two options, six tasks, three workers
SMALL = votes(t0="000", t1="001", t2="110", t3="011", t4="111", t5="0.1")


def chance_of_0(known: dict[str, str] | None = None) -> list[float]:
    outcome = aggregate_labels(SMALL, LabelSettings(rounds=20), "one-coin", known or {})
    return [task.confidence if task.label == "0" else 1 - task.confidence for task in outcome.tasks.values()]


def test_one_accuracy_a_worker_gives_the_worked_example():
    assert chance_of_0() == pytest.approx([0.970835, 0.829186, 0.103749, 0.160043, 0.0166, 0.490246], abs=2e-6)


def test_known_answers_stay_and_weigh_in_the_worked_example():
    found = chance_of_0({"t0": "0", "t4": "1"})
    assert found == pytest.approx([1, 0.83793, 0.10162, 0.161257, 0, 0.499249], abs=2e-6)


@every_method
def test_a_known_task_keeps_its_label_whatever_is_voted(method):
    outcome = aggregate_labels(votes(t1="xxx", t2="xy"), method=method, known={"t1": "y", "t2": "z"})
    assert [(task.label, task.confidence, task.next) for task in outcome.tasks.values()] == [
        ("y", 1.0, "none"),
        ("z", 1.0, "none"),
    ]


@every_method
def test_known_tasks_show_who_errs_where_the_crowd_errs_together(method):
    given = votes(**{f"t{n:02}": "xxy" for n in range(30)})
    blind = {skill.worker: skill.accuracy for skill in aggregate_labels(given, method=method).workers}
    told = aggregate_labels(given, method=method, known={f"t{n:02}": "y" for n in range(20)})
    seeing = {skill.worker: skill.accuracy for skill in told.workers}
    assert blind["w0"] > 0.8
    assert seeing["w0"] < 0.5
    assert blind["w2"] < 0.5
    assert seeing["w2"] > 0.5


@pytest.mark.parametrize("method", ["one-coin", "dawid-skene"])
def test_controls_make_a_pool_of_many_clickers_better(method):
    given, truth = pool(seed=3, tasks=400, clickers=6)
    known = {task: truth[task] for task in sorted(truth)[:80]}
    rest = [task for task in truth if task not in known]

    def right(told: dict[str, str]) -> int:
        tasks = aggregate_labels(given, method=method, known=told).tasks
        return sum(tasks[task].label == truth[task] for task in rest)

    assert right(known) > right({})


def test_known_tasks_without_votes_are_not_invented():
    assert list(aggregate_labels(votes(t1="xx"), known={"t9": "y"}).tasks) == ["t1"]


@every_method
def test_the_only_voter_being_wrong_in_most_answers_leaves_the_task_undecided(method):
    given = votes(**{f"t{n:02}": ("xxxy" if n % 2 else "yyyx") for n in range(60)}, alone="...x")
    alone = aggregate_labels(given, method=method).tasks["alone"]
    assert alone.label in (None, "x"), "a label that nobody gave would turn the worker round in silence"
    assert method == "majority" or alone.label is None


@every_method
@given(data=st.data())
def test_no_method_hands_out_a_label_that_nobody_gave(method, data):
    rows = data.draw(st.lists(st.text(alphabet="xyz.", min_size=4, max_size=4), min_size=1, max_size=8))
    given = votes(**{f"t{number}": row for number, row in enumerate(rows)})
    for name, task in aggregate_labels(given, method=method).tasks.items():
        assert task.label is None or task.label in {vote.label for vote in given if vote.task == name}


def test_a_matrix_a_worker_is_offered_with_a_caution_when_workers_are_new():
    few = aggregate_labels(votes(t1="xxy", t2="xyy"), method="dawid-skene")
    many = aggregate_labels(votes(**{f"t{n}": "xxy" for n in range(5)}), method="dawid-skene")
    assert few.caution.startswith("the median worker has 2 votes, more than 4 are needed to learn 2 classes")
    assert many.caution is None
    assert {aggregate_labels(SMALL, method=name).caution for name in LABEL_METHODS if name != "dawid-skene"} == {None}


def test_the_command_passes_the_caution_on(tmp_path, capfd):
    file = tmp_path / "votes.jsonl"
    file.write_text("".join(f'{{"task":"t","worker":"{worker}","label":"x"}}\n' for worker in "abc"))
    assert main(["labels", str(file), "--method", "dawid-skene", "--json"]) == 0
    said = capfd.readouterr()
    assert said.err.startswith("the median worker has 1 vote, more than 4 are needed")
    assert json.loads(said.out)["caution"] == said.err.rstrip("\n")


def test_the_default_of_the_library_knows_the_workers():
    given, _ = pool()
    assert aggregate_labels(given) == aggregate_labels(given, method="one-coin")


YES_NO = {"yes": 0.6744, "no": 0.3256}


@pytest.mark.parametrize(
    ("said", "skill", "chances"),
    [
        ("yes", 0.9, [0.67440, 0.94909, 0.99407, 0.99934]),
        ("yes", 0.8, [0.67440, 0.89230, 0.97071, 0.99251]),
        ("no", 0.9, [0.67440, 0.18708, 0.02493, 0.00283]),
        ("no", 0.8, [0.67440, 0.34116, 0.11462, 0.03135]),
    ],
)
def test_the_posterior_of_known_skills(said, skill, chances):
    names = ["a", "b", "c"]
    found = [
        label_posterior(dict.fromkeys(names[:n], said), dict.fromkeys(names, skill), YES_NO)["yes"] for n in range(4)
    ]
    assert found == pytest.approx(chances, abs=5e-6)


def test_the_posterior_of_three_options_is_that_of_a_platform():
    even = dict.fromkeys(("OK", "BAD", "404"), 1 / 3)
    skills = {"a": 0.9, "b": 0.8}
    assert label_posterior({"a": "OK", "b": "OK"}, skills, even)["OK"] == pytest.approx(0.9863, abs=5e-5)
    assert label_posterior({"a": "OK", "b": "BAD"}, skills, even)["OK"] == pytest.approx(0.6667, abs=5e-5)


def test_a_skill_below_a_guess_counts_as_a_guess_and_nobody_is_beyond_doubt():
    assert label_posterior({"a": "no"}, {"a": 0.1}, YES_NO) == pytest.approx(YES_NO)
    assert label_posterior({"a": "no"}, {"a": 1.0}, YES_NO) == label_posterior({"a": "no"}, {"a": 0.98}, YES_NO)


@pytest.mark.parametrize(
    ("labels", "skills", "sentence"),
    [
        ({"a": "maybe"}, {"a": 0.9}, "label 'maybe' of 'a' has no prior: expected one of no, yes"),
        ({"a": "yes"}, {}, "worker 'a' has no skill"),
    ],
)
def test_a_posterior_needs_a_prior_and_skills(labels, skills, sentence):
    with pytest.raises(ValueError, match=sentence):
        label_posterior(labels, skills, YES_NO)


@every_method
def test_chances_are_finite_for_one_worker_and_one_class(method):
    given = [Vote(f"t{n}", "w", "x") for n in range(50)]
    for chosen in (LabelSettings(), LabelSettings(label_count=9)):
        outcome = aggregate_labels(given, chosen, method)
        assert all(np.isfinite(task.confidence) and 0 < task.confidence <= 1 for task in outcome.tasks.values())
        assert all(task.label == "x" for task in outcome.tasks.values())
