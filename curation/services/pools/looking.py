"""What a pool needs before it opens: its price at most, a budget, what its platform cannot do."""

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Budget
from crowd.platforms.registry import platform
from crowd.services import publishing
from curation.models import Pool, PriceTrial, Project, Stage
from curation.services.pools.batches import batches_of


def most_expensive(*, pool: Pool) -> int:
    """Return what the pool can cost at most for what is wanted: pages still to come at the highest price.

    Pages in work or under judgement hold their money already, so they do not count a second time.
    """
    batch = Batch.objects.filter(pool_id=pool.pk).first()
    if batch is None or pool.wanted == 0:
        return 0
    price = max([batch.price_micro, *(int(amount) for _, _, amount in batch.price_table)])
    covered = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
    here = Assignment.objects.filter(batch=batch, state__in=covered).count()
    pages = max(0, -(-pool.wanted * pool.overlap // batch.page_size) - here)
    return platform(pool.account.platform).quote(pool.account, pages=pages, price_micro=price, overlap=pool.overlap)


def differences(*, pool: Pool) -> list[str]:
    """Return in sentences what of this pool its platform cannot do."""
    adapter, batches = platform(pool.account.platform), batches_of(pool)
    return [text for batch in batches for text in adapter.lacks(pool.account, publishing.spec_of(batch))]


def not_open(*, project: Project) -> list[Pool]:
    """Return the pools that “Open all” opens."""
    waiting = Pool.objects.filter(project=project, state__in=[Pool.State.DRAFT, Pool.State.PAUSED])
    waiting = waiting.exclude(stage__state=Stage.State.PAUSED)
    return list(waiting.select_related("account", "stage", "label_class").order_by("id"))


def require_no_trial(pool: Pool) -> None:
    """Refuse to change what the arms of a running price trial have in common."""
    if PriceTrial.objects.filter(pool=pool, state=PriceTrial.State.RUNNING).exists():
        raise CrowdError("The prices of this pool are on trial. Stop the trial first, then change it.")


def budget_of(*, project_id: int, currency: str) -> Budget:
    """Return the project's budget in the currency of an account."""
    found = Budget.objects.of_project(project_id).filter(currency=currency).first()
    if found is None:
        raise CrowdError(f"The project has no budget in {currency} yet. Give it one under Money, then open the pool.")
    return found


def accepted_count(*, pool_id: int) -> int:
    return Assignment.objects.filter(batch__pool_id=pool_id, state=Assignment.State.ACCEPTED).count()
