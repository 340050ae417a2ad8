"""The whole square of every state machine: what is allowed happens, everything else is refused with both names."""

import pytest
from django.apps import apps
from django.db import connection

from crowd.errors import IllegalTransition
from crowd.states import StateMachine
from curation.models import Pool, Project

MACHINES = [
    model for model in apps.get_models() if issubclass(model, StateMachine) and model._meta.app_label != "contenttypes"
]
SQUARE = [
    pytest.param(model, old, new, id=f"{model.__name__}-{old}-{new}")
    for model in MACHINES
    for old in model.State.values
    for new in model.State.values
]


def test_the_machines_are_found():
    assert {"Batch", "Assignment", "OutboxCommand", "Upload", "Asset", "Pool", "Stage", "Job"} <= {
        model.__name__ for model in MACHINES
    }


@pytest.mark.parametrize(("model", "old", "new"), SQUARE)
def test_a_state_changes_only_as_drawn(model, old, new):
    row = model(state=old, **({"project": Project(name="Hands")} if model is Pool else {}))
    if new in model.TRANSITIONS[old]:
        row.move_to(new)
        assert row.state == new
    else:
        with pytest.raises(IllegalTransition, match=f"is {old} and cannot become {new}"):
            row.move_to(new)
        assert row.state == old


@pytest.mark.parametrize("model", MACHINES)
def test_every_state_is_drawn_and_every_arrow_ends_at_a_state(model):
    states = set(model.State.values)
    assert set(model.TRANSITIONS) == states
    assert set().union(*model.TRANSITIONS.values()) <= states


@pytest.mark.parametrize("model", MACHINES)
def test_every_state_can_be_reached_from_the_first(model):
    first = model._meta.get_field("state").default
    found, edge = {first}, {first}
    while edge:
        edge = set().union(*(model.TRANSITIONS[state] for state in edge)) - found
        found |= edge
    assert found == set(model.State.values)


@pytest.mark.django_db
@pytest.mark.parametrize("model", MACHINES)
def test_the_database_knows_the_states_too(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'",
            [model._meta.db_table],
        )
        checks = " ".join(row[0] for row in cursor.fetchall())
    assert all(f"'{state}'" in checks for state in model.State.values)
