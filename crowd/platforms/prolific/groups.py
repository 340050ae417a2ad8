"""Participant groups: a skill of at least so much, and bans. A group is found by its name and made once.

Prolific keeps no numbers about people, so a skill is one group for each value that some pool asks for.
https://docs.prolific.com/api-reference/participant-groups
"""

import re
from collections.abc import Iterable, Sequence

from crowd.errors import Invalid
from crowd.models import SkillValue
from crowd.platforms.base import BatchSpec
from crowd.platforms.prolific.client import Client, Json

AT_A_TIME = 100
SKILL = re.compile(r"winnow skill (?P<name>.+) of (?P<least>\d+)", re.DOTALL)
BATCH, PROJECT, ACCOUNT = "winnow batch ban ", "winnow project ban ", "winnow account ban"


def skill_group(name: str, least: int) -> str:
    return f"winnow skill {name} of {least}"


def ban_groups(batch: BatchSpec) -> list[str]:
    return [f"{BATCH}{batch.key}", f"{PROJECT}{batch.project_id}", ACCOUNT]


class Groups:
    """The groups of a workspace by name, read once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._workspace = workspace_of(client)
        rows = client.each("participant-groups", workspace_id=self._workspace)
        self.ids: dict[str, str] = {row["name"]: row["id"] for row in rows}

    def ensure(self, name: str) -> str:
        """Find or make a group; a new one for a skill begins with everybody who has it already."""
        if name not in self.ids:
            made: Json = self._client.post("participant-groups", body={"workspace_id": self._workspace, "name": name})
            self.ids[name] = made["id"]
        if skilled := SKILL.fullmatch(name):
            put_in(self._client, self.ids[name], self._holders(skilled["name"], int(skilled["least"])))
        return self.ids[name]

    def _holders(self, skill: str, least: int) -> list[str]:
        values = SkillValue.objects.filter(skill__account=self._client.account, skill__name=skill, value__gte=least)
        return list(values.order_by("worker_id").values_list("worker__ext_id", flat=True))

    def of_skill(self, skill: str) -> Iterable[tuple[int, str]]:
        """Return least value and id of each group of this skill."""
        for name, group_id in self.ids.items():
            found = SKILL.fullmatch(name)
            if found and found["name"] == skill:
                yield int(found["least"]), group_id


def workspace_of(client: Client) -> str:
    workspace = str(client.account.settings.get("workspace", "")).strip()
    if not workspace:
        raise Invalid({"workspace": f"enter the id of the Prolific workspace for “{client.account.label}”"})
    return workspace


def put_in(client: Client, group_id: str, people: Sequence[str]) -> None:
    for start in range(0, len(people), AT_A_TIME):
        chunk = list(people[start : start + AT_A_TIME])
        client.post("participant-groups", group_id, "participants", body={"participant_ids": chunk})


def take_out(client: Client, group_id: str, people: Sequence[str]) -> None:
    client.delete("participant-groups", group_id, "participants", body={"participant_ids": list(people)})


def set_skill(client: Client, worker_ext_id: str, skill: str, value: int) -> None:
    """Put a worker into every group of the skill that the value reaches, and out of the others."""
    for least, group_id in Groups(client).of_skill(skill):
        move = put_in if value >= least else take_out
        move(client, group_id, [worker_ext_id])


def ban_group_of(client: Client, study: Json, scope: str) -> str:
    """Return the group that keeps people out of this study in this scope: batch, project or account."""
    wanted = {"batch": BATCH, "project": PROJECT, "account": ACCOUNT}[scope]
    barred = {one for row in study.get("filters") or [] for one in row.get("selected_values") or []}
    for name, group_id in Groups(client).ids.items():
        if group_id in barred and name.startswith(wanted):
            return group_id
    raise Invalid({"ban": f"the study {study['id']} was not published with a list of people to keep out"})


def ensure_ban_group(client: Client, project_id: int, scope: str) -> str:
    """Return the group of a project or the account, made before the first study that keeps its people out."""
    return Groups(client).ensure(ACCOUNT if scope == "account" else f"{PROJECT}{project_id}")
