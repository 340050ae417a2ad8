"""The emulator's own books: one line per movement, integers in micro-dollars.

What was paid in is always what is free, reserved, or spent on rewards, bonuses and fees.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

from crowd.money import plain


@dataclass(frozen=True, slots=True)
class About:
    """What a movement is for; empty where it does not apply."""

    pool_id: str = ""
    assignment_id: str = ""
    bonus_id: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement. `kind` is PAID_IN, TAKEN_OUT, RESERVE, RELEASE, REWARD, BONUS, FEE or BONUS_FEE.

    `source` tells where a payment came from: the free money or what was reserved.
    """

    number: int
    at: datetime
    kind: str
    amount_micro: int
    source: str
    about: About


class Books:
    def __init__(self, commission: Decimal) -> None:
        self.commission = commission
        self.lines: list[Line] = []
        self.free_micro = 0
        self.reserved_micro = 0
        self.paid_in_micro = 0
        self.spent_micro = {"REWARD": 0, "BONUS": 0, "FEE": 0, "BONUS_FEE": 0}

    def fee(self, amount_micro: int) -> int:
        """Return the platform's fee for a reward or a bonus, rounded to a micro-dollar."""
        return int((self.commission * amount_micro).to_integral_value(rounding=ROUND_HALF_UP))

    def set_balance(self, amount_micro: int, at: datetime) -> None:
        """Pay in or take out what makes the free money this amount."""
        change = amount_micro - self.free_micro
        self.free_micro += change
        self.paid_in_micro += change
        if change:
            self._write(at, "PAID_IN" if change > 0 else "TAKEN_OUT", abs(change), "free", About())

    def reserve(self, reward_micro: int, at: datetime, about: About) -> None:
        total = reward_micro + self.fee(reward_micro)
        self.free_micro -= total
        self.reserved_micro += total
        self._write(at, "RESERVE", total, "free", about)

    def release(self, reward_micro: int, at: datetime, about: About) -> None:
        total = reward_micro + self.fee(reward_micro)
        self.reserved_micro -= total
        self.free_micro += total
        self._write(at, "RELEASE", total, "reserved", about)

    def pay_reward(self, reward_micro: int, at: datetime, about: About, *, reserved: bool) -> int:
        """Pay a worker and return the fee that was taken for it."""
        source, fee = "reserved" if reserved else "free", self.fee(reward_micro)
        self._spend("REWARD", reward_micro, at, source, about)
        self._spend("FEE", fee, at, source, about)
        return fee

    def pay_bonus(self, amount_micro: int, at: datetime, about: About) -> None:
        self._spend("BONUS", amount_micro, at, "free", about)
        self._spend("BONUS_FEE", self.fee(amount_micro), at, "free", about)

    def adds_up(self) -> bool:
        return self.paid_in_micro == self.free_micro + self.reserved_micro + sum(self.spent_micro.values())

    def to_json(self) -> dict[str, str]:
        return {
            "balance": plain(self.free_micro),
            "reserved": plain(self.reserved_micro),
            "paid_in": plain(self.paid_in_micro),
            "rewards": plain(self.spent_micro["REWARD"]),
            "bonuses": plain(self.spent_micro["BONUS"]),
            "fees": plain(self.spent_micro["FEE"] + self.spent_micro["BONUS_FEE"]),
            "commission": str(self.commission),
        }

    def _spend(self, kind: str, amount_micro: int, at: datetime, source: str, about: About) -> None:
        if source == "reserved":
            self.reserved_micro -= amount_micro
        else:
            self.free_micro -= amount_micro
        self.spent_micro[kind] += amount_micro
        self._write(at, kind, amount_micro, source, about)

    def _write(self, at: datetime, kind: str, amount_micro: int, source: str, about: About) -> None:
        if amount_micro:
            self.lines.append(Line(len(self.lines) + 1, at, kind, amount_micro, source, about))
