"""State machines: choices, allowed transitions, a database constraint."""

from collections.abc import Iterable, Mapping
from typing import ClassVar

from django.db import models

from crowd.errors import IllegalTransition


class StateMachine(models.Model):
    """A row whose `state` moves only along TRANSITIONS."""

    TRANSITIONS: ClassVar[Mapping[str, frozenset[str]]] = {}
    state: "models.CharField[str, str]"

    class Meta:
        abstract = True

    def may_become(self, state: str) -> bool:
        return state in self.TRANSITIONS.get(self.state, frozenset())

    def move_to(self, state: str) -> None:
        """Set the state, or raise IllegalTransition. The caller saves."""
        if not self.may_become(state):
            raise IllegalTransition(self, self.state, state)
        self.state = state

    def require(self, *states: str) -> None:
        if self.state not in states:
            raise IllegalTransition(self, self.state, " or ".join(states))


def state_check(choices: Iterable[str], name: str, field: str = "state") -> models.CheckConstraint:
    return models.CheckConstraint(condition=models.Q(**{f"{field}__in": sorted(choices)}), name=name)
