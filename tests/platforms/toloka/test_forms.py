"""Projects, pools and trainings as they are sent. The kit's own classes must say the same."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from crowd.audience import Audience, SkillRange
from crowd.errors import NotFound
from crowd.platforms.toloka import filters, pools, shim
from crowd.platforms.toloka import tasks as pushing
from crowd.platforms.toloka.pools import Place, place
from crowd.platforms.toloka.specs import input_values, instructions_html, project_form
from tests.platforms.toloka.plans import spec, task

LATER = datetime(2027, 1, 31, tzinfo=UTC)


def form(batch, **skill_ids: str):
    return pools.pool_form(batch, "91001", skill_ids, LATER)


def plain(thing):
    """Numbers as JSON has them."""
    return json.loads(json.dumps(thing, default=float))


def through_the_kit(kind, sent):
    return plain(getattr(shim.kit(), kind).structure(plain(sent)).unstructure())


def test_the_plan_of_a_validation_is_the_pool_of_the_recipe():
    audience = Audience(languages=["ru"], top_percent=80)
    batch = spec(
        page_size=10, control_per_page=1, overlap=3, price_micro=10_000, audience=audience,
        needs_skill="Exam", needs_value=70, assignment_seconds=600,
    )  # fmt: skip
    sent = form(batch, Exam="5502")
    assert sent["mixer_config"] == {
        "real_tasks_count": 9, "golden_tasks_count": 1, "training_tasks_count": 0, "min_real_tasks_count": 1,
        "force_last_assignment": True, "mix_tasks_in_creation_order": True, "shuffle_tasks_in_task_suite": True,
    }  # fmt: skip
    assert sent["filter"] == {
        "and": [
            {"or": [{"category": "profile", "key": "languages", "operator": "IN", "value": "RU"}]},
            {"or": [{"category": "skill", "key": "5502", "operator": "GTE", "value": 70}]},
        ]
    }
    assert sent["speed_quality_balance"] == {"type": "TOP_PERCENTAGE_BY_QUALITY", "percent": 80}
    assert sent["reward_per_assignment"] == Decimal("0.01")
    assert sent["defaults"]["default_overlap_for_new_tasks"] == 3
    assert sent["will_expire"] == "2027-01-31T00:00:00"
    assert (sent["auto_accept_solutions"], sent["auto_accept_period_day"]) == (False, 7)


def test_prices_by_skill_are_the_intervals_of_the_recipe():
    batch = spec("photo", price_table=[(0, 95, 30_000), (96, 100, 40_000)], price_skill="Accepted")
    assert plain(form(batch, Accepted="5500")["dynamic_pricing_config"]) == {
        "type": "SKILL",
        "skill_id": "5500",
        "intervals": [
            {"from": 0, "to": 95, "reward_per_assignment": 0.03},
            {"from": 96, "to": 100, "reward_per_assignment": 0.04},
        ],
    }


def test_a_training_that_gates_a_pool_is_asked_for_as_a_training_not_as_a_skill():
    batch = spec(needs_skill="Practice", needs_value=70, needs_batch="training-41000100")
    sent = form(batch)
    assert sent["quality_control"]["training_requirement"] == {
        "training_pool_id": "41000100",
        "training_passing_skill_value": 70,
    }
    assert "filter" not in sent
    assert pools.skills_of(batch) == []


def test_an_exam_has_control_tasks_alone_and_only_for_those_without_its_skill():
    batch = spec(kind="exam", page_size=10, price_micro=0, grants_skill="Exam")
    sent = form(batch, Exam="5502")
    assert (sent["mixer_config"]["real_tasks_count"], sent["mixer_config"]["golden_tasks_count"]) == (0, 10)
    assert sent["filter"]["and"] == [{"or": [{"category": "skill", "key": "5502", "operator": "EQ", "value": None}]}]
    (config,) = sent["quality_control"]["configs"]
    assert config["collector_config"]["type"] == "GOLDEN_SET"
    assert config["rules"][0]["action"]["parameters"]["from_field"] == "correct_answers_rate"


def test_every_word_of_an_audience_is_a_line_that_must_hold():
    wanted = Audience(
        languages=["en", "de"], countries=["fr"], regions=[213], devices=["smartphone"],
        skills=[SkillRange(skill="Eyes", low=20, high=80)], best_n=50, adult_content=True,
    )  # fmt: skip
    lines = filters.lines_of(wanted, {"Eyes": "9"})
    said = [[(one["key"], one["operator"], one["value"]) for one in line["or"]] for line in lines]
    assert said == [
        [("languages", "IN", "EN"), ("languages", "IN", "DE")],
        [("country", "EQ", "FR")],
        [("region_by_phone", "IN", 213)],
        [("device_category", "EQ", "SMARTPHONE")],
        [("9", "GTE", 20)],
        [("9", "LTE", 80)],
    ]
    assert filters.balance_of(wanted) == {"type": "BEST_CONCURRENT_USERS_BY_QUALITY", "count": 50}
    assert form(spec(audience=wanted), Eyes="9")["may_contain_adult_content"] is True


@pytest.mark.parametrize("interface", ["photo", "choice", "boxes"])
def test_every_task_carries_its_own_id_unseen(interface):
    fields = project_form(spec(interface))["task_spec"]["input_spec"]
    assert fields["winnow_task"] == {"type": "string", "required": True, "hidden": True}
    assert fields["sha256"]["hidden"] is True
    assert input_values("k", {"class": "peace", "template": "", "width": 4}) == {"winnow_task": "k", "class": "peace"}


def test_all_parts_of_a_view_have_a_version():
    view = project_form(spec("boxes"))["task_spec"]["view_spec"]
    kinds = {
        "view.list", "view.text", "view.image", "helper.if", "condition.not", "condition.empty", "condition.any",
        "condition.required", "field.image-annotation", "field.checkbox-group", "plugin.toloka", "core",
    }  # fmt: skip
    assert set(view["lock"]) == kinds
    assert isinstance(view["config"], str)


def test_an_exam_page_cannot_be_skipped():
    assert project_form(spec(kind="exam"))["task_spec"]["view_spec"]["settings"] == {"showSkip": False}


def test_words_of_a_lead_cannot_become_markup():
    assert instructions_html({"instructions": ["a <b>", "c & d"]}) == "<ul><li>a &lt;b&gt;</li><li>c &amp; d</li></ul>"
    assert instructions_html({}) == ""


def test_the_same_words_and_fields_are_the_same_project_other_words_another():
    key = project_form(spec())["metadata"]["winnow_key"]
    assert project_form(spec(kind="exam", key="other", page_size=9))["metadata"]["winnow_key"] == key
    assert project_form(spec(title="Is it?"))["metadata"]["winnow_key"] != key
    assert project_form(replace(spec(), project_id=8))["metadata"]["winnow_key"] != key


@pytest.mark.parametrize("interface", ["photo", "choice", "boxes"])
def test_the_kit_reads_every_form_as_it_is_meant(interface):
    batch = spec(
        interface, audience=Audience(languages=["EN"], best_n=5), price_table=[(0, 9, 40_000)], price_skill="Eyes"
    )
    sent = form(batch, Eyes="9")
    assert through_the_kit("Pool", sent) == plain(sent)
    training = pools.training_form(batch, "91001")
    assert through_the_kit("Training", training) == training
    project = project_form(batch)
    read_back = through_the_kit("Project", project)
    view, same = read_back["task_spec"].pop("view_spec"), project["task_spec"].pop("view_spec")
    assert json.loads(view.pop("config")) == json.loads(same.pop("config"))
    assert {**same, "settings": {**same["settings"]}}.items() <= view.items()
    assert project.items() <= read_back.items()


def test_a_hint_makes_a_training_task_so_only_a_training_gets_one():
    control = task(known_answer={"answer": "correct"}, hint="Look at the thumb.", overlap=None)
    in_pool = pushing.item(control, Place("41000101", is_training=False))
    in_training = pushing.item(control, Place("41000102", is_training=True))
    assert "message_on_unknown_solution" not in in_pool
    assert in_training["message_on_unknown_solution"] == "Look at the thumb."
    assert (in_pool["infinite_overlap"], in_pool["overlap"]) == (True, None)
    assert in_pool["known_solutions"] == [{"output_values": {"answer": "correct"}, "correctness_weight": 1}]


def test_a_training_task_without_a_hint_gets_one_or_it_would_be_no_training_task():
    sent = pushing.item(task(known_answer={"answer": "correct"}), Place("1", is_training=True))
    assert sent["message_on_unknown_solution"] == "This is not the right answer; it is: correct."


def test_an_author_never_gets_his_own_picture():
    assert pushing.item(task(author_ext_id="w1"), Place("1", is_training=False))["unavailable_for"] == ["w1"]


def test_a_push_is_cut_by_bytes_and_by_number_always_in_the_same_places():
    small = [{"input_values": {"winnow_task": f"{n}"}} for n in range(11_000)]
    assert [len(chunk) for chunk in pushing.chunks(small)] == [5_000, 5_000, 1_000]
    large = [{"input_values": {"winnow_task": "x" * 300_000}} for _ in range(7)]
    assert [len(chunk) for chunk in pushing.chunks(large)] == [3, 3, 1]


@pytest.mark.parametrize("remote_id", ["", "²", "training-", "pool-1", "1 ", "1\n", "training-12x", "１２"])
def test_what_is_no_id_of_toloka_is_not_found(remote_id):
    with pytest.raises(NotFound):
        place(remote_id)


def test_the_id_of_a_training_says_so():
    assert place("training-12") == Place("12", is_training=True)
    assert place("training-12").remote_id == "training-12"
    assert place("12").path == "/pools/12"
