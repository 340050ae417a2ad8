"""Prices in settings: dollars as people write them, micro-dollars when asked."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from crowd.money import micro


def _as_text(value: Any) -> Any:
    """A price on the command line or in a recipe may be written without quotes."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _amount(text: str) -> str:
    if micro(text) < 0:
        raise ValueError(f"{text} is negative; a price is 0 or more dollars")
    return text


Price = Annotated[str, BeforeValidator(_as_text), AfterValidator(_amount)]


class PriceStep(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    low: int = Field(ge=0, le=100)
    high: int = Field(ge=0, le=100)
    price_usd: Price


class PriceBySkill(BaseModel):
    """Page prices by skill: the steps cover 0 to 100 without gap or overlap."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    skill: str
    steps: list[PriceStep] = Field(min_length=1)

    @model_validator(mode="after")
    def _covers_everything(self) -> "PriceBySkill":
        expected = 0
        for step in self.steps:
            if step.low != expected or step.high < step.low:
                raise ValueError(f"the step {step.low} to {step.high} must start at {expected}: no gap, no overlap")
            expected = step.high + 1
        if expected != 101:
            raise ValueError(f"the last step must end at 100, not at {expected - 1}")
        return self

    def table(self) -> list[tuple[int, int, int]]:
        return [(step.low, step.high, micro(step.price_usd)) for step in self.steps]
