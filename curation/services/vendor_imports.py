"""Results of a vendor come into a project: taken in by the market, told as an event, looked at by the stages."""

from datetime import datetime

from crowd.models import Batch
from crowd.services import vendor_files
from crowd.services.vendor_files import Columns, Imported
from crowd.vendor_tables import Table
from curation.models import Pool, User
from curation.services import events


def bring_in(*, pool: Pool, batch: Batch, table: Table, columns: Columns, by: User, now: datetime) -> Imported:
    """Import a table into a pool and say so. Raises CrowdError."""
    done = vendor_files.bring_in(batch=batch, table=table, columns=columns, now=now)
    text = f"{pool.title}: {sentence(done)}"
    events.record(kind="pool.imported", text=text, project=pool.project, subject=pool, by=by, now=now)
    return done


def sentence(done: Imported) -> str:
    came = "are coming in" if done.under_way else "came in"
    return f"{done.new:,} results {came}, {done.existing:,} were here already, {done.unmapped:,} could not be used."
