"""The simulated crowd: its mix, its habits and its answers."""

import json
import random
from collections import Counter
from dataclasses import replace
from datetime import datetime
from statistics import fmean, median

import pytest

from crowd.rehearsal import acting, answers
from crowd.rehearsal.people import CrowdMix, profile
from crowd.rehearsal.pictures import SIGNS, Truth, TruthBox
from crowd.rehearsal.pictures.tricks import template_file
from crowd.rehearsal.population import Kind, Population, luck_of, people_of

NOON = datetime(2026, 5, 4, 12, 0)  # noqa: DTZ001 - a camera's clock knows no zone
MIX = CrowdMix()
CROWD = [profile("test", number, MIX) for number in range(1200)]
HONEST = next(person for person in CROWD if person.kind == Kind.HONEST)
TRUTH = Truth("ok", (TruthBox("gesture", 100, 100, 300, 400),), 1920, 1080, "wanda")


def never(_back):
    return None


def cheat_of(level):
    return replace(next(person for person in CROWD if person.cheat_level == level), cheating=1.0)


class TestCrowd:
    def test_a_person_does_not_depend_on_who_was_made_before(self):
        assert profile("test", 7, MIX) == CROWD[7]
        assert profile("other", 7, MIX) != CROWD[7]

    def test_a_person_is_a_row_of_the_population_that_collections_are_calibrated_on(self):
        rows = people_of(Population(), luck_of("test"), count=1200)
        assert [person.kind for person in CROWD] == rows.kind.tolist()
        assert [person.activity for person in CROWD] == rows.activity.tolist()
        assert [person.skill for person in CROWD] == rows.skill.tolist()

    def test_all_sorts_come_honest_and_not(self):
        kinds = Counter(person.kind for person in CROWD)
        assert kinds[Kind.HONEST] / len(CROWD) == pytest.approx(0.82, abs=0.03)
        assert kinds[Kind.CARELESS] / len(CROWD) == pytest.approx(0.06, abs=0.02)
        assert set(kinds) == set(Kind)
        assert {person.cheat_level for person in CROWD} == {None, 0, 1, 5, 20, 80}

    def test_a_mix_is_read_from_a_json_column(self):
        stored = json.loads(json.dumps({"who": {"careless": 0.05, "dishonest": 0.2}, "cheating": {5: 0.9}}))
        mix = CrowdMix.from_json(stored)
        assert (mix.who, mix.cheating[5], mix.cheating[0]) == (Population(careless=0.05, dishonest=0.2), 0.9, 0.6)
        assert CrowdMix.from_json({}) == MIX
        with pytest.raises(ValueError, match="no part 'lazy' of a crowd"):
            CrowdMix.from_json({"lazy": 1})
        with pytest.raises(ValueError, match="at most all"):
            CrowdMix.from_json({"who": {"careless": 0.95}})

    def test_few_people_do_much_of_the_work(self):
        activity = sorted((person.activity for person in CROWD), reverse=True)
        assert sum(activity[:120]) > 0.35 * sum(activity)

    def test_honest_people_judge_better_than_careless_ones_and_those_better_than_clickers(self):
        honest, careless, clicker = (
            fmean(p.skill for p in CROWD if p.kind == kind) for kind in (Kind.HONEST, Kind.CARELESS, Kind.CLICKER)
        )
        assert honest > 0.87
        assert honest > careless > clicker == pytest.approx(0.2)

    def test_who_has_a_poor_camera_sends_blurred_and_small_photos_more_often(self):
        rates = [person.slips.low_resolution for person in CROWD if person.kind == Kind.HONEST]
        assert fmean(rates) == pytest.approx(MIX.honest_slips.low_resolution, rel=0.15)
        assert max(rates) > 4 * median(rates)


class TestPhotos:
    def test_the_same_chance_gives_the_same_file(self):
        photos = [
            answers.photo(HONEST, random.Random("p"), "ok", earlier=never, template=None, taken=NOON) for _ in range(2)
        ]
        assert photos[0] == photos[1]

    def test_a_cheat_of_level_zero_sends_an_earlier_photo_again(self):
        own = answers.photo(HONEST, random.Random("own"), "ok", earlier=never, template=None, taken=NOON)
        cheat = cheat_of(0)
        sent = [
            answers.photo(
                cheat, random.Random(n), "ok", earlier=lambda _: (own.data, own.truth), template=None, taken=NOON
            )
            for n in range(6)
        ]
        assert {photo.trick for photo in sent} == {"resent", "resaved"}
        assert all((photo.data == own.data) == (photo.trick == "resent") for photo in sent)

    def test_the_first_photo_of_a_duplicate_sender_is_an_honest_one(self):
        photo = answers.photo(cheat_of(0), random.Random(1), "ok", earlier=never, template=None, taken=NOON)
        assert (photo.trick, photo.truth.sign) == (None, "ok")

    def test_the_accounts_of_a_ring_send_each_others_photos(self):
        fellow = answers.photo(HONEST, random.Random("own"), "ok", earlier=never, template=None, taken=NOON)
        sent = answers.photo(
            cheat_of(1), random.Random(1), "ok", earlier=never, template=None, taken=NOON,
            shared=lambda _: (fellow.data, fellow.truth),
        )  # fmt: skip
        assert (sent.trick, sent.data) == ("shared", fellow.data)
        alone = answers.photo(cheat_of(1), random.Random(1), "ok", earlier=never, template=None, taken=NOON)
        assert alone.trick is None

    def test_a_cheat_of_level_five_sends_the_very_template(self):
        data, _ = template_file("palm")
        photo = answers.photo(cheat_of(5), random.Random(1), "palm", earlier=never, template=lambda: data, taken=NOON)
        assert photo.data == data
        assert photo.truth.has("template")

    def test_a_cheat_of_level_twenty_processes_it(self):
        photo = answers.photo(cheat_of(20), random.Random(1), "palm", earlier=never, template=None, taken=NOON)
        assert photo.trick in answers.TEMPLATE_WAYS
        assert photo.truth.has("template")

    def test_cheats_do_not_cheat_always(self):
        cheat = next(person for person in CROWD if person.cheat_level == 5)
        tricks = Counter(answers.plan(cheat, random.Random(n), "ok").trick for n in range(400))
        assert tricks["template"] / 400 == pytest.approx(0.6, abs=0.08)

    def test_the_plan_foresees_what_the_photo_shows(self):
        for n in range(8):
            seen = answers.expected(answers.plan(HONEST, random.Random(n), "four"))
            sent = answers.photo(HONEST, random.Random(n), "four", earlier=never, template=None, taken=NOON).truth
            assert (seen.sign, seen.subject, seen.hands_visible) == (sent.sign, sent.subject, sent.hands_visible)


class TestJudgements:
    @pytest.mark.parametrize(
        ("truth", "right"),
        [
            (TRUTH, "correct"),
            (replace(TRUTH, sign="fist"), "incorrect"),
            (TRUTH.flagged("cut_off"), "incorrect"),
            (TRUTH.flagged("rotated"), "rotated"),
            (TRUTH.flagged("third_party", "rotated"), "third_party"),
            (TRUTH.flagged("template"), "third_party"),
        ],
    )
    def test_who_makes_no_mistake_sees_what_is_wrong(self, truth, right):
        assert answers.right_judgement("ok", truth) == right

    def test_people_are_right_as_often_as_their_skill_says(self):
        person = replace(HONEST, skill=0.9, class_spread=0.0)
        given = [answers.judgement(person, random.Random(n), "ok", TRUTH, answers.OPTIONS) for n in range(2000)]
        assert given.count("correct") / 2000 == pytest.approx(0.9, abs=0.03)

    def test_only_offered_options_are_given(self):
        given = {answers.judgement(HONEST, random.Random(n), "ok", TRUTH, ("yes", "no")) for n in range(50)}
        assert given <= {"yes", "no"}

    def test_a_hint_is_mostly_taken_and_a_right_answer_kept(self):
        assert answers.after_hint(HONEST, random.Random(1), "correct", "correct") == "correct"
        taken = [answers.after_hint(HONEST, random.Random(n), "rotated", "correct") for n in range(300)]
        assert taken.count("correct") > 250


class TestBoxes:
    def test_boxes_stay_in_the_picture_and_survive_json(self):
        for n, person in enumerate(CROWD[:300]):
            drawn, flags = answers.boxes(person, random.Random(n), TRUTH, 1280, 720)
            assert json.loads(json.dumps([drawn, flags])) == [drawn, flags]
            assert (flags == ["no_hands"]) == (not drawn)
            for box in drawn:
                assert box["x"] >= 0
                assert box["y"] >= 0
                assert box["x"] + box["w"] <= 1280.1
                assert box["y"] + box["h"] <= 720.1

    def test_a_careful_person_draws_the_true_box_at_the_shown_size(self):
        careful = replace(HONEST, box_noise=0.0, miss=0.0, extra=0.0, label_error=0.0)
        drawn, flags = answers.boxes(careful, random.Random(1), TRUTH, 960, 540)
        assert drawn == [{"x": 50.0, "y": 50.0, "w": 150.0, "h": 200.0, "label": "gesture"}]
        assert flags == []

    def test_a_rotated_photo_gets_the_flag_instead_of_boxes(self):
        person = replace(HONEST, skill=1.0)
        assert answers.boxes(person, random.Random(1), TRUTH.flagged("rotated"), 1920, 1080) == ([], ["no_hands"])

    def test_a_picture_nobody_drew_gets_only_labels_that_are_offered(self):
        class Street:
            def truth_of(self, _task):
                return Truth("hammer", (), 640, 480, "unknown")

        def said(labels):
            stall = acting.Stall(None, "main", "boxes", 1, labels=labels, flags=["nothing"])
            task = acting.StallTask(1, {"class": "hammer", "width": 640, "height": 480})
            people = (acting.Actor(replace(HONEST, extra=1.0, skill=0.0), random.Random(n), NOON) for n in range(20))
            return [acting.answer(Street(), stall, task, one) for one in people]

        assert all(one["boxes"] for one in said(labels=[]))
        assert said(labels=["hammer"]) == 20 * [{"boxes": [], "flags": ["nothing"]}]

    def test_small_hands_are_missed_more_often(self):
        person = replace(HONEST, miss=0.2, extra=0.0)
        small = replace(TRUTH, boxes=(TruthBox("gesture", 10, 10, 60, 70),))
        missed = [
            sum(not answers.boxes(person, random.Random(n), truth, 1920, 1080)[0] for n in range(600))
            for truth in (TRUTH, small)
        ]
        assert missed[1] > 1.7 * missed[0]

    def test_a_hand_that_is_hard_to_see_is_missed_by_many_whoever_they_are(self):
        careful = [replace(person, miss=0.001, extra=0.0, sloppy=0.0) for person in CROWD[:100]]
        share = []
        for picture in range(400):
            truth = replace(TRUTH, drawing=f"picture-{picture}")
            share.append(fmean(not answers.boxes(p, random.Random(p.number), truth, 1920, 1080)[0] for p in careful))
        assert 1 <= sum(one > 0.15 for one in share) <= 20
        assert median(share) < 0.02


def test_clickers_are_many_times_faster_than_honest_people():
    rng = random.Random("pace")
    honest, cheats = (
        median(answers.seconds(p, rng, "judgement") for p in CROWD if (p.kind == Kind.CLICKER) == fast)
        for fast in (False, True)
    )
    assert 7 < honest < 11
    assert cheats < honest / 2.5


def test_the_yields_come_near_the_published_ones():
    """5.5 % dropped as duplicates or too small; 67 % of the rest called correct by two of three."""
    rng, people = random.Random("yields"), [min(person.activity, 20) for person in CROWD]
    dropped = passed = 0
    for person in rng.choices(CROWD, people, k=3000):
        sign = rng.choice(SIGNS)
        planned = answers.plan(person, rng, sign)
        if planned.trick in ("resent", "resaved", "shared", "low_resolution"):
            dropped += 1
            continue
        truth = answers.expected(planned)
        votes = [answers.judgement(voter, rng, sign, truth) for voter in rng.choices(CROWD, people, k=3)]
        passed += votes.count("correct") >= 2
    assert dropped / 3000 == pytest.approx(0.055, abs=0.02)
    assert passed / (3000 - dropped) == pytest.approx(0.674, abs=0.04)
