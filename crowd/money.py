"""Money is integer micro-dollars inside and Decimal at the edges; this is the one place that rounds."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation

MICRO = 1_000_000
MOST_DIGITS, FINEST = 10, -6  # under ten billion dollars: sums of it fit into the database's integers


def micro(amount: Decimal | str | int) -> int:
    """Return micro-dollars of an amount in dollars; ValueError when it is no amount or finer than a micro-dollar."""
    try:
        given = Decimal(str(amount).strip().lstrip("$"))
    except InvalidOperation:
        raise ValueError(f"{amount!r} is not an amount of money.") from None
    if given.is_finite() and given.adjusted() >= MOST_DIGITS:  # before any arithmetic: 1e999999 is short to write
        raise ValueError(f"{amount!r} is more money than any project has.")
    is_too_fine = not given.is_finite() or (given and given.adjusted() < FINEST)
    if is_too_fine or given * MICRO != (given * MICRO).to_integral_value():
        raise ValueError(f"{amount!r} is not an amount of money down to a millionth of a dollar.")
    return int(given * MICRO)


def dollars(amount_micro: int) -> Decimal:
    """Return the exact amount in dollars."""
    return Decimal(amount_micro) / MICRO


def plain(amount_micro: int) -> str:
    """Return dollars with all decimals and no exponent, as JSON documents carry them."""
    text = f"{dollars(amount_micro):f}"
    whole, _, rest = text.partition(".")
    return f"{whole}.{rest.rstrip('0').ljust(2, '0')}"


def money_text(amount_micro: int, places: int = 2, currency: str = "USD") -> str:
    """Return '$41,870.00' for people; other currencies by their code: '41,870.00 EUR'."""
    value = dollars(amount_micro).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN)
    if currency != "USD":
        return f"{value:,} {currency}"
    return f"-${-value:,}" if value < 0 else f"${value:,}"


def exact_text(amount_micro: int, currency: str = "USD") -> str:
    """Return the amount with cents, and with as many decimals more as it has."""
    decimals = len(plain(amount_micro).partition(".")[2])
    return money_text(amount_micro, decimals, currency)
