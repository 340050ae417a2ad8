"""What Toloka itself counts about a pool: asked for, then read when it is ready."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crowd.platforms.toloka.client import Client, Json
from crowd.platforms.toloka.pools import Place

NAMES = (
    "real_tasks_count",
    "submitted_assignments_count",
    "skipped_assignments_count",
    "rejected_assignments_count",
    "approved_assignments_count",
    "completion_percentage",
    "avg_submit_assignment_millis",
    "spent_budget",
    "unique_workers_count",
    "unique_submitters_count",
    "active_workers_by_filter_count",
    "estimated_assignments_count",
)


def ask(client: Client, where: Place) -> str:
    """Start counting and return the id under which the figures can be read."""
    wanted = [{"subject": "POOL", "subject_id": where.id, "name": name} for name in NAMES]
    operation: Json = client.send("post", "/staging/analytics-2", wanted)
    return str(operation["id"])


def read(client: Client, operation_id: str) -> dict[str, Decimal]:
    """Return the figures by name; those the platform cannot tell are left out. Raises StillRunning."""
    operation: Json = client.get(f"/operations/{operation_id}")
    client.require_end(operation, "it counts")
    lines = (operation.get("details") or {}).get("value") or []
    figures = {line["request"]["name"]: _value(line) for line in lines}
    return {name: value for name, value in figures.items() if value is not None}


def _value(line: Mapping[str, Any]) -> Decimal | None:
    result = line.get("result")
    value = result.get("value") if isinstance(result, Mapping) else result  # the documents know both forms
    return Decimal(str(value)) if isinstance(value, int | float | Decimal) else None
