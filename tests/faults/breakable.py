"""The product's own settings, with leases that end soon and jobs that break the process that runs them."""

from dataclasses import replace

from curation.services.job_kinds import JOB_KINDS, JobKind
from curation.settings.local import *  # noqa: F403  settings are what a module of settings has

JOB_KINDS["work_stage"] = replace(JOB_KINDS["work_stage"], lease_seconds=8)
JOB_KINDS |= {
    name: JobKind(f"tests.faults.breaking:{name}", queue="pixels", lease_seconds=4)
    for name in ("is_killed", "reads_nowhere", "has_no_memory", "is_harmless")
}
