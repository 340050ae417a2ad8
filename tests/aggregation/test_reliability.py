"""The reliability model: what is learnt, what is decided, what is kept, and that nothing else matters."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregation import (
    BadInput,
    Box,
    BoxAnswer,
    BoxSettings,
    Consensus,
    ImageAnswers,
    ReliabilityState,
    fit_reliability,
    resolve_reliability,
)
from tests.aggregation.drawing import ROOT, A, B, answered_images, crowd, moved, seen, shuffled
from tests.aggregation.pools import GOOD, LABELS, Person, pool

some = settings(max_examples=30, deadline=None)
CHOSEN = BoxSettings(label_count=len(LABELS))


def lines(results: list[Consensus]) -> list[str]:
    return [json.dumps(result.to_json()) for result in results]


def stored(state: ReliabilityState) -> str:
    return json.dumps(state.to_json())


def named(images: list[ImageAnswers]) -> list[ImageAnswers]:
    return [replace(image, image=f"i{number}") for number, image in enumerate(images)]


pools = st.lists(answered_images(), max_size=5).map(named)


def test_what_most_of_equally_able_people_draw_is_the_surer_the_more_they_are():
    chances = [
        resolve_reliability([seen(*crowd(support, A), *[[]] * (5 - support))], ReliabilityState())[0].expected_loss
        for support in (5, 4, 3)
    ]
    assert chances == sorted(chances)


def test_one_more_agreeing_answer_never_lowers_and_an_empty_one_never_raises_the_chance():
    free = BoxSettings(accept=0)
    three = resolve_reliability([seen(*crowd(3, A))], ReliabilityState(), free)[0].boxes[0].confidence
    assert resolve_reliability([seen(*crowd(4, A))], ReliabilityState(), free)[0].boxes[0].confidence >= three
    assert resolve_reliability([seen(*crowd(3, A), [])], ReliabilityState(), free)[0].boxes[0].confidence <= three


def test_who_answers_at_random_weighs_less_than_who_agrees():
    random = Person("random", finds=0.3, names=0.33, invents=0.9, noise=0.3)
    images, _ = pool((*GOOD, random), 120, 5)
    skills = {skill.worker: skill for skill in fit_reliability(images, CHOSEN).skills()}
    others = [skills[person.name] for person in GOOD]
    assert skills["random"].sensitivity < min(skill.sensitivity for skill in others) - 0.2
    assert skills["random"].accuracy < min(skill.accuracy for skill in others) - 0.2
    assert skills["random"].false_marks > max(skill.false_marks for skill in others) + 0.2
    assert skills["random"].noise > max(skill.noise for skill in others)


def test_a_trusted_pair_outvotes_three_who_miss_half_of_everything():
    hasty = tuple(Person(f"hasty{number}", finds=0.4) for number in range(6))
    images, _ = pool((*GOOD, *hasty), 300, 6)
    state = fit_reliability(images, CHOSEN)
    drawn = Box(100, 100, 160, 200, "ok")
    answers = [BoxAnswer(name, (drawn,)) for name in ("good0", "good1")]
    answers += [BoxAnswer(name) for name in ("hasty0", "hasty1", "hasty2")]
    result = resolve_reliability([ImageAnswers("i", tuple(answers), 1000, 800)], state, replace(CHOSEN, accept=0))[0]
    assert [box.support for box in result.boxes] == [("good0", "good1")]


def test_who_mistakes_labels_is_outvoted_by_who_does_not():
    liars = tuple(Person(f"liar{number}", names=0.1) for number in range(3))
    images, truth = pool((*GOOD, *liars), 300, 5, seed=3)
    results = resolve_reliability(images, fit_reliability(images, CHOSEN), replace(CHOSEN, accept=0))
    found = [(box, truth[result.image]) for result in results for box in result.boxes]
    right = [any(abs(box.x - true.x) < 60 and box.label == true.label for true in objects) for box, objects in found]
    assert sum(right) / len(right) > 0.97


def test_a_liar_is_marked_and_not_turned_into_a_virtue():
    liar = Person("liar", names=0.02)
    images, _ = pool((*GOOD, liar), 200, 5)
    marked = {skill.worker: skill.adversarial for skill in fit_reliability(images, CHOSEN).skills()}
    assert [name for name, bad in marked.items() if bad] == ["liar"]
    confusion = {skill.worker: skill.confusion for skill in fit_reliability(images, CHOSEN).skills()}["liar"]
    assert all(sum(row.values()) == pytest.approx(1) and row[true] < 0.3 for true, row in confusion.items())


def test_other_names_of_labels_give_the_same_results_under_other_names():
    images, _ = pool((*GOOD, Person("wild", names=0.4)), 60, 4)
    other = dict(zip(LABELS, ("c", "a", "b"), strict=True))
    renamed = [_with_labels(image, other) for image in images]
    before = resolve_reliability(images, fit_reliability(images, CHOSEN), CHOSEN)
    after = resolve_reliability(renamed, fit_reliability(renamed, CHOSEN), CHOSEN)
    for one, two in zip(before, after, strict=True):
        assert [other[box.label] for box in one.boxes] == [box.label for box in two.boxes]
        assert [box.confidence for box in one.boxes] == pytest.approx([box.confidence for box in two.boxes])


def _with_labels(image: ImageAnswers, names: dict[str, str]) -> ImageAnswers:
    answers = [replace(a, boxes=tuple(replace(b, label=names[b.label]) for b in a.boxes)) for a in image.annotations]
    return replace(image, annotations=tuple(answers))


@some
@given(pools)
def test_every_promise_is_a_chance_however_little_there_is_to_learn_from(images):
    state = fit_reliability(images)
    for result in resolve_reliability(images, state, BoxSettings(accept=0, min_answers=1)):
        chances = [result.confidence, *(b.confidence for b in result.boxes), *(b.confidence_75 for b in result.boxes)]
        assert all(0 <= chance <= 1 for chance in chances)
        assert result.expected_loss >= 0
    for skill in state.skills():
        assert 0 <= skill.lower <= skill.accuracy <= skill.upper <= 1
        assert 0 <= skill.sensitivity <= 1
        assert 0 <= skill.false_marks <= 1
        assert skill.noise > 0


@some
@given(images=pools, data=st.data())
def test_learning_does_not_depend_on_the_order_of_anything(images, data):
    before = deepcopy(images)
    mixed = [shuffled(image, data.draw(st.permutations(range(len(image.annotations))))) for image in images]
    assert stored(fit_reliability(images)) == stored(fit_reliability(data.draw(st.permutations(mixed))))
    assert images == before


@some
@given(images=pools, data=st.data())
def test_an_image_resolves_the_same_whatever_else_is_resolved_with_it(images, data):
    known = data.draw(pools)
    state = fit_reliability(known)
    together = resolve_reliability(images, state)
    assert [result for image in images for result in resolve_reliability([image], state)] == together


@some
@given(images=pools)
def test_a_state_read_back_is_the_same_state(images):
    state = fit_reliability(images)
    again = ReliabilityState.from_json(json.loads(json.dumps(state.to_json())))
    assert stored(again) == stored(state)
    assert lines(resolve_reliability(images, again)) == lines(resolve_reliability(images, state))


def test_a_state_is_small_and_its_keys_are_sorted():
    images, _ = pool(GOOD, 100, 5)
    document = fit_reliability(images, CHOSEN).to_json()
    text = json.dumps(document, separators=(",", ":"))
    assert text == json.dumps(document, separators=(",", ":"), sort_keys=True)
    assert len(json.dumps(document["workers"], separators=(",", ":"))) < 600 * len(GOOD)


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({}, "no version: expected what this library wrote"),
        ({"version": 99}, "version 99: expected 1"),
        ({"version": 1}, "broken at 'workers'"),
        ({"version": 1, "workers": [], "crowd": {}}, "broken at"),
    ],
)
def test_a_foreign_state_is_refused_with_a_sentence(document, sentence):
    with pytest.raises(BadInput, match=sentence):
        ReliabilityState.from_json(document)


def test_what_one_pool_taught_helps_in_the_next():
    hasty = tuple(Person(f"hasty{number}", finds=0.4) for number in range(3))
    first, _ = pool((*GOOD, *hasty), 200, 5)
    second, _ = pool((*GOOD, *hasty), 3, 5, seed=9)
    taught = {s.worker: s for s in fit_reliability(second, CHOSEN, fit_reliability(first, CHOSEN)).skills()}
    alone = {s.worker: s for s in fit_reliability(second, CHOSEN).skills()}
    assert taught["hasty0"].sensitivity < 0.55
    assert taught["hasty0"].n > alone["hasty0"].n if "hasty0" in alone else True


def test_an_image_given_twice_is_refused():
    with pytest.raises(BadInput, match="image 'i': given twice"):
        fit_reliability([seen([A]), seen([B])])


def test_other_processes_and_hash_seeds_learn_and_resolve_the_same_bytes():
    code = (
        "import json;from tests.aggregation.pools import GOOD, pool;from aggregation import *;"
        "i, _ = pool(GOOD, 30, 4);s = fit_reliability(i);"
        "print(json.dumps([s.to_json(), [r.to_json() for r in resolve_reliability(i, s)]]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 1000


def test_an_unsure_image_is_dropped_with_its_reason_and_one_more_answer_is_bought():
    unsure = seen([A], [A], [], [])
    result = resolve_reliability([unsure], ReliabilityState())[0]
    assert (result.status, result.reason, result.next, result.boxes) == ("drop", "existence", "buy", ())
    assert 0 < result.confidence < 0.8
    assert result.dropped == ("u1", "u2", "u3", "u4")
    kept = resolve_reliability([unsure], ReliabilityState(), BoxSettings(accept=0))[0]
    assert kept.status == "soft"
    assert kept.confidence == result.confidence


def test_disputed_labels_are_the_reason_when_they_are():
    result = resolve_reliability([seen([A], [A], [replace(A, label="y")], [replace(A, label="y")])], ReliabilityState())
    assert result[0].reason == "label"


def test_objects_nobody_was_asked_for_do_not_decide_over_the_image():
    tiny = Box(900, 900, 20, 40, "x")
    image = seen([A, tiny], [A, tiny], [A], [A], [A])
    plain, lenient = (
        resolve_reliability([image], ReliabilityState(), BoxSettings(accept=0, ignore_px=px))[0] for px in (0, 30)
    )
    assert lenient.confidence > plain.confidence
    assert lenient.expected_loss < plain.expected_loss
    assert [box.confidence for box in lenient.boxes] == [box.confidence for box in plain.boxes]


def test_slips_are_set_aside_and_said():
    dot = Box(500, 500, 0.5, 0.5, "x")
    contradictory = BoxAnswer("u5", (A,), ("no_hands",))
    result = resolve_reliability([seen([A, dot], [A], [A], [A, moved(A, 1)], contradictory)], ReliabilityState())[0]
    assert (result.status, result.used, result.dropped) == ("soft", ("u1", "u2", "u3", "u4"), ("u5",))
    keys = [step.key for step in result.trace]
    assert "soft.dots" in keys
    assert "soft.duplicates" in keys


def test_the_trace_says_who_weighs_little_what_was_left_out_and_whose_label_was_changed():
    blind = Person("blind", finds=0.2)
    images, _ = pool((*GOOD, blind), 200, 5)
    state = fit_reliability(images, CHOSEN)
    box = Box(100, 100, 160, 200, "ok")
    people = ("good0", "good1", "good2", "good3")
    answers = [BoxAnswer(name, (box, Box(500, 500, 90, 90, "ok")) if name == "good0" else (box,)) for name in people]
    answers += [BoxAnswer("good4", (replace(box, label="palm"),)), BoxAnswer("blind")]
    trace = [step.text for step in resolve_reliability([ImageAnswers("i", tuple(answers))], state, CHOSEN)[0].trace]
    assert any(text.startswith("reliability.weight: blind weighs 0.") and "missed" in text for text in trace)
    assert any(text.startswith("soft.outliers: left out ok at 500,500 90x90 by good0") for text in trace)
    assert any("label of box 1 changed from good4's 'palm' to 'ok' by 4 to 1; IoU" in text for text in trace)
    assert "soft.missing: added 1 box for blind" in trace
    assert trace[-1].startswith("reliability.confidence: ")


def test_the_trace_of_a_dropped_image_says_what_would_be_done_and_claims_nothing_as_done():
    image = seen([A, B], [moved(A, 5), moved(B, 3, label="y")], [A, moved(A, 400)], [A], [moved(A, 1), moved(B, 2)])
    published, dropped = (resolve_reliability([image], ReliabilityState(), BoxSettings(accept=a))[0] for a in (0, 0.99))
    done, thought = ([step for step in result.trace if step.key.startswith("soft.")] for result in (published, dropped))
    assert [step.text for step in thought] == [
        "soft.outliers: would leave out x at 500,100 200x200 by u3: an object with a chance of 0.12",
        "soft.existence: would keep x at 602,600 200x200 by u1 u2 u5, 3 of 5: an object with a chance of 0.88",
        "soft.labels: would change u2's 'y' to 'x' by 2 to 1; IoU 0.99",
        "soft.missing: would add 1 box for u3, 1 box for u4",
    ]
    assert not any("would" in step.text for step in done)
    assert [(step.key, step.data) for step in done] == [(step.key, step.data) for step in thought]
    assert dropped.trace[-1].text.startswith("drop.existence: confidence 0.")


def test_an_empty_list_learns_and_resolves_to_nothing():
    state = fit_reliability([])
    assert state.skills() == ()
    assert resolve_reliability([], state) == []
