"""Amounts of money as people write and read them."""

import pytest

from crowd.money import exact_text, micro, money_text


@pytest.mark.parametrize(
    ("text", "amount"),
    [("0.03", 30_000), (" $5 ", 5_000_000), ("-1.5", -1_500_000), ("0.000001", 1), ("1e2", 10**8), ("0", 0)],
)
def test_an_amount_is_read_to_the_millionth(text: str, amount: int):
    assert micro(text) == amount


@pytest.mark.parametrize("text", ["", "three", "1,5", "NaN", "sNaN", "inf", "0.0000001", "1e-999999999"])
def test_what_is_no_amount_is_refused(text: str):
    with pytest.raises(ValueError, match="is not an amount of money"):
        micro(text)


@pytest.mark.parametrize("text", ["10000000000", "1e999999999", "-1e30"])
def test_more_than_the_books_can_hold_is_refused_before_it_is_counted(text: str):
    with pytest.raises(ValueError, match="more money than any project has"):
        micro(text)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (41_870_000_000, "USD", "$41,870.00"),
        (5_000, "USD", "$0.005"),
        (-30_000, "USD", "-$0.03"),
        (1_234_500_000, "EUR", "1,234.50 EUR"),
        (1, "EUR", "0.000001 EUR"),
    ],
)
def test_an_exact_amount_has_the_decimals_it_needs(amount: int, currency: str, text: str):
    assert exact_text(amount, currency) == text


def test_a_sum_has_cents_in_every_currency():
    assert (money_text(1_005_000), money_text(1_005_000, 2, "EUR")) == ("$1.00", "1.00 EUR")
