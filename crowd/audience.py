"""Who may work in a pool, in words that every platform understands or says it does not."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator


class SkillRange(BaseModel):
    """A skill of the account by its name, and which values are let in."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    skill: str
    low: int = Field(default=0, ge=0, le=100)
    high: int = Field(default=100, ge=0, le=100)


class Audience(BaseModel):
    """Everything empty = everybody. Languages are ISO 639-1 in capitals, countries ISO 3166-1 alpha-2."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    languages: list[str] = []
    countries: list[str] = []
    regions: list[int] = Field(default=[], description="region ids of the platform")
    devices: list[str] = Field(default=[], description="PERSONAL_COMPUTER, SMARTPHONE, TABLET")
    skills: list[SkillRange] = []
    top_percent: int | None = Field(default=None, ge=10, le=100, multiple_of=10)
    best_n: int | None = Field(default=None, ge=1)
    adult_content: bool = False

    @field_validator("languages", "countries", "devices")
    @classmethod
    def _capitals(cls, words: list[str]) -> list[str]:
        return [word.strip().upper() for word in words if word.strip()]

    @field_validator("languages", "countries")
    @classmethod
    def _two_letters(cls, codes: list[str]) -> list[str]:
        for code in codes:
            if len(code) != 2 or not (code.isascii() and code.isalpha()):
                raise ValueError(f"{code} is no code of two letters, such as EN or DE")
        return codes

    @model_validator(mode="after")
    def _one_balance(self) -> "Audience":
        if self.top_percent is not None and self.best_n is not None:
            raise ValueError("choose the best share or the best N, not both")
        return self

    def is_everybody(self) -> bool:
        return self == Audience()


def audience(plain: dict[str, Any]) -> Audience:
    """Read the column of a batch or a recipe's setting."""
    return Audience.model_validate(plain)
