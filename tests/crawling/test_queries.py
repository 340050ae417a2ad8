"""Products of lists: every combination once, exclusions left out, the size known before anything is asked."""

import pytest

from curation.intake.queries import BadQueries, Product, Wanted, preview

CARS = Product("{colour} {model} car", {"colour": ["red", "blue"], "model": ["Ford Ka", "BMW X5"]})


def test_each_combination_is_one_query_with_its_attributes():
    assert list(CARS) == [
        Wanted("red Ford Ka car", {"colour": "red", "model": "Ford Ka"}),
        Wanted("red BMW X5 car", {"colour": "red", "model": "BMW X5"}),
        Wanted("blue Ford Ka car", {"colour": "blue", "model": "Ford Ka"}),
        Wanted("blue BMW X5 car", {"colour": "blue", "model": "BMW X5"}),
    ]


def test_excluded_queries_and_repeated_values_are_not_asked():
    lists = {"colour": ["red", "red"], "model": ["Ford Ka", "BMW X5"]}
    left = Product("{colour} {model}", lists, frozenset({"red BMW X5"}))
    assert [one.text for one in left] == ["red Ford Ka"]


def test_ten_colours_of_a_thousand_models_are_ten_thousand_queries_and_five_hours():
    lists = {"colour": [f"c{n}" for n in range(10)], "model": [f"m{n}" for n in range(1046)]}
    queries = sum(1 for _ in Product("{colour} {model} car", lists))
    planned = preview(queries, engines=1, pages=1, per_query=100, seconds_between=1.72)
    assert (planned.queries, planned.calls, planned.most_pictures) == (10_460, 10_460, 1_046_000)
    assert planned.hours == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize(
    ("pattern", "lists", "sentence"),
    [
        ("  ", {}, "is no query"),
        ("{Colour} car", {}, "is no query"),
        ("{colour car", {"colour": ["red"]}, "is no query"),
        ("{colour} car", {}, "names {colour}, and there is no list"),
        ("{colour} car", {"colour": []}, "names {colour}, and there is no list"),
        ("car", {"colour": ["red"]}, "is used by no query"),
        ("{a} {b}", {"a": map(str, range(1001)), "b": map(str, range(1000))}, "1,001,000 queries; at most 1,000,000"),
    ],
)
def test_what_makes_no_queries_is_refused_with_a_sentence(pattern, lists, sentence):
    with pytest.raises(BadQueries, match=sentence):
        Product(pattern, {name: list(values) for name, values in lists.items()})
