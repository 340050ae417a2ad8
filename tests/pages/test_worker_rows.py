"""A row of the workers' table."""

from crowd.models import Skill, SkillValue
from curation.dashboard.worker_list import WorkerRow


def test_what_names_of_skills_have_in_common_is_said_once():
    names = ["Checking hands: exam", "Checking hands: training", "Recording", "Recording: agreement: boxes"]
    values = tuple(SkillValue(skill=Skill(name=name), value=n) for n, name in enumerate(names))
    row = WorkerRow(None, 0, 0, 0, 0, 0, 0, False, values)  # type: ignore[arg-type]
    said = [(name, [(rest, value.value) for rest, value in group]) for name, group in row.skill_groups]
    assert said == [
        ("Checking hands", [("exam", 0), ("training", 1)]),
        ("Recording", [("", 2), ("agreement: boxes", 3)]),
    ]
