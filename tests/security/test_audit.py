"""The record of who did what: every service that a person starts writes to it, once, and nobody takes a row back."""

import ast
from collections.abc import Mapping
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from curation.models import Event, Webhook
from tests.api.conftest import Caller
from tests.api.conftest import world as api_world
from tests.api.test_access import FILES, ROUTES, call

__all__ = ["api_world"]
SERVICES = Path(__file__).resolve().parents[2] / "curation" / "services"
# What has a `by` and leaves a row of its own that says who, or changes nothing that others see.
NO_RECORD = {
    ("assets.restoring", "bring_back"),  # a decision; whoever calls it records
    ("batches", "keep"),
    ("file_uploads", "start"),
    ("freezing", "request_split"),  # a version; its job records
    ("held_files", "sent_at_once"),  # as a file sent in pieces; what it is for records
    ("links", "note"),
    ("plan_drafts", "discard"),
    ("plan_drafts", "keep"),
    ("statements", "statement"),
    ("statements", "statement_cells"),
    ("tokens", "may_revoke"),
}
NEVER_CHANGED = {
    "crowd_ledgerentry",
    "crowd_skillevent",
    "curation_decision",
    "curation_event",
    "curation_formerexample",
    "curation_outlook",
}
Key = tuple[str, str]  # module below curation.services, function


class Services:
    """Which function of the services calls which, by name and import."""

    def __init__(self) -> None:
        self.known: dict[Key, ast.FunctionDef] = {}
        self.calls: dict[Key, set[Key]] = {}
        for file in sorted(SERVICES.rglob("*.py")):
            name = ".".join(file.relative_to(SERVICES).with_suffix("").parts).removesuffix(".__init__")
            self._read(name, ast.parse(file.read_text(encoding="utf-8")))

    def _read(self, module: str, tree: ast.Module) -> None:
        own = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        imported = {
            (one.asname or one.name): ((node.module or "").removeprefix("curation.services").strip("."), one.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("curation.services")
            for one in node.names
        }
        for name, node in own.items():
            self.known[module, name] = node
            called = (one.func for one in ast.walk(node) if isinstance(one, ast.Call))
            self.calls[module, name] = {key for one in called if (key := _target(one, module, own, imported))}

    def that_record(self) -> set[Key]:
        """Return what comes to events.record, however far; a package also answers for its modules."""
        telling = {key for key, found in self.calls.items() if ("events", "record") in found}
        while True:
            names = {name: {module for module, other in telling if other == name} for _, name in telling}
            more = {
                key
                for key, found in self.calls.items()
                if key not in telling
                and any(
                    to == module or to.startswith(f"{module}.") for module, name in found for to in names.get(name, ())
                )
            }
            if not more:
                return telling
            telling |= more

    def started_by_people(self) -> set[Key]:
        return {
            key
            for key, node in self.known.items()
            if "by" in {one.arg for one in (*node.args.args, *node.args.kwonlyargs)} and not key[1].startswith("_")
        }


def _target(func: ast.expr, module: str, own: Mapping[str, object], imported: Mapping[str, Key]) -> Key | None:
    if isinstance(func, ast.Name):
        return (module, func.id) if func.id in own else imported.get(func.id)
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id in imported:
        return ".".join(filter(None, imported[func.value.id])), func.attr
    return None


def test_every_service_that_a_person_starts_comes_to_the_record():
    services = Services()
    assert len(services.started_by_people()) > 100
    assert services.started_by_people() - services.that_record() - {("events", "record")} == NO_RECORD


# Writes whose trace is the row itself: a picture, a batch, an upload, a review, a prediction, a version, a delivery.
ROWS_OF_THEIR_OWN = {
    "api-datasets",
    "api-dataset-split",
    "api-delivery-again",
    "api-project-assets",
    "api-assets-batch",
    "api-uploads",
    "api-upload",
    "api-reviews",
    "api-predictions",
}


@pytest.mark.django_db
def test_every_write_of_the_api_leaves_exactly_one_line(alice: Caller, api_world):
    seen: dict[str, int] = {}
    for route in ROUTES:
        if route.method == "GET" or route.ok >= 300 or route.data in FILES or route.name in ROWS_OF_THEIR_OWN:
            continue
        before, begun = Event.objects.count(), transaction.savepoint()
        assert call(alice, route, api_world).status_code == route.ok
        seen[f"{route.method} {route.name}"] = Event.objects.count() - before
        transaction.savepoint_rollback(begun)
    assert len(seen) > 12
    assert {what: n for what, n in seen.items() if n != 1} == {}


@pytest.mark.django_db
def test_a_new_password_and_a_new_name_leave_a_line_each(people):
    alice, browser = people["Alice"], Client()
    browser.force_login(alice)
    old, new = "Alice-likes-winnow", "quite another one"
    for password in ({"current": old, "password": "short"}, {"current": old, "password": new}):
        browser.post("/account/", password)
    for _ in range(2):
        browser.post("/account/", {"name": "Alicia"})
    lines = list(Event.objects.order_by("pk").values_list("text", "by_id"))
    assert lines == [("Alice set a new password.", alice.pk), ("Alice is called Alicia now.", alice.pk)]


@pytest.mark.django_db
def test_what_fails_leaves_no_line(alice: Caller, api_world):
    hook, before = Webhook.objects.get(), Event.objects.count()
    answer = alice.send("PATCH", f"/api/v1/webhooks/{hook.public_id}", {"url": "http://127.0.0.1/"})
    assert (answer.status_code in {400, 409}, Event.objects.count()) == (True, before)


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE curation_event SET text = 'x'", "DELETE FROM curation_event"])
def test_a_line_is_neither_changed_nor_removed_even_by_hand(change: str):
    Event.objects.create(kind="project.changed", text="This happened.")
    refused = pytest.raises(DatabaseError, match="never changed or removed")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Event.objects.filter(text="This happened.").count() == 1


@pytest.mark.django_db
def test_every_table_of_what_happened_refuses_changes_row_by_row():
    """Before each UPDATE and DELETE (27), switched on, by the function that the check above has met."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgrelid::regclass::text FROM pg_trigger"
            " WHERE tgtype = 27 AND tgenabled = 'O' AND tgfoid = 'winnow_refuse_change'::regproc AND tgattr = ''"
        )
        assert {name for (name,) in cursor.fetchall()} == NEVER_CHANGED
