"""Campaigns: from a recipe to a project with stages, classes, pools and a budget. Idempotent by the project's name."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction

from crowd.errors import BudgetExceeded, CrowdError
from crowd.models import Account
from crowd.quality.skill import KEPT_A_DAY
from crowd.rehearsal.visits import ensure_crowd
from crowd.services import ledger
from crowd.services.skills import KEPT
from curation.engine import known_films
from curation.engine.asking import Campaign, check_crowds, crowds_of, settings_for
from curation.engine.known import example_picture, known_tasks
from curation.engine.market_accounts import account_for
from curation.models import LabelClass, Membership, Pool, Project, Stage, User
from curation.services import events, pools
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.stages.base import CrowdSettings
from curation.stages.registry import stage_kind

CONTROL_STOCK = 40
PEOPLE_A_RESULT = 4


@dataclass(frozen=True, slots=True)
class Made:
    """What a call has created; all zero when everything was there."""

    project: Project
    created: dict[str, int]


def ensure_project(
    *,
    asked: Campaign,
    by: User | None,
    now: datetime,
    seed: str = "",
    is_demo: bool = False,
    clock: datetime | None = None,
    visits_per_second: float = 0,
) -> Made:
    """Create the project or complete the one of this name; what is there stays as it is, targets only grow.

    With `clock` it is a rehearsal on a virtual clock: only its own driver moves it.
    """
    with transaction.atomic():
        _lock_name(asked.slug)
        project, new = _project(asked, by, now, is_demo=is_demo, is_rehearsal=clock is not None)
        stages = _stages(project, asked)
        classes, new_classes = _classes(project, asked)
    made = {"projects": int(new), "classes": new_classes, "pools": 0, "tasks": 0}
    if "rehearsal" in crowds_of(asked):
        ensure_crowd(
            account=account_for(project, "rehearsal"),
            seed=seed or project.slug,
            population=max(population_for(asked.total), _senders(asked)),
            start=clock or now,
            visits_per_second=visits_per_second,
            follows_wall_clock=clock is None,
        )
    wanted_classes = [label for label in classes if label.name in asked.classes]
    made["pools"] = _pools(asked, stages, wanted_classes, seed or project.slug)
    made["tasks"] = _raise_targets(project, asked, wanted_classes, by, now)
    return Made(project, made)


def population_for(photos: int) -> int:
    """Return how many simulated people make such a campaign believable: about one for six photos."""
    return max(40, min(2_000, photos // 6))


def _senders(asked: Campaign) -> int:
    """Return how many people must be there where each may send a few things only, half of them in vain."""
    limits = [int(settings_for(asked, one.name, one.settings).get("per_worker", 0)) for one in asked.recipe.stages]
    return max((PEOPLE_A_RESULT * asked.total // limit for limit in limits if limit), default=0)


def _lock_name(slug: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", [f"project:{slug}"])


def _project(
    asked: Campaign, by: User | None, now: datetime, *, is_demo: bool, is_rehearsal: bool
) -> tuple[Project, bool]:
    project = Project.objects.filter(slug=asked.slug).first()
    if project is not None:
        if project.recipe != asked.recipe.name:
            raise CrowdError(f"“{asked.name}” exists already and follows the recipe {project.recipe}.")
        if project.trashed_at is not None:
            raise CrowdError(f"“{asked.name}” is in the trash. Bring it back there, or choose another name.")
        return project, False
    project = Project.objects.create(
        name=asked.name,
        slug=asked.slug,
        recipe=asked.recipe.name,
        description=asked.recipe.description,
        team=asked.team,
        owner=asked.owner,
        consent_text=asked.recipe.consent,
        is_demo=is_demo,
        is_rehearsal=is_rehearsal,
        created_by=by,
        created_at=now,
    )
    ledger.create_budget(project_id=project.pk, limit_micro=asked.budget_micro)
    if by is not None:
        Membership.objects.create(project=project, user=by, role=Membership.Role.LEAD)
    events.record(kind="project.created", text=f"{project.name} was created.", project=project, by=by, now=now)
    return project, True


def _stages(project: Project, asked: Campaign) -> list[Stage]:
    for position, stage in enumerate(asked.recipe.stages):
        Stage.objects.get_or_create(
            project=project,
            name=stage.name,
            defaults={
                "position": position,
                "kind": stage.kind,
                "title": stage.title,
                "settings": settings_for(asked, stage.name, stage.settings),
            },
        )
    return list(Stage.objects.filter(project=project).order_by("position"))


def _classes(project: Project, asked: Campaign) -> tuple[list[LabelClass], int]:
    """Classes keep the index of the recipe, so that one added later changes no id in an export."""
    made, taken = 0, set(LabelClass.objects.filter(project=project).values_list("index", flat=True))
    for index, (name, prompt) in enumerate(asked.recipe.classes.items()):
        if name in asked.classes and not LabelClass.objects.filter(project=project, name=name).exists():
            key = example_picture(name) if asked.recipe.known_answers == "drawn" else ""
            place = index if index not in taken else max(taken) + 1
            LabelClass.objects.create(project=project, name=name, index=place, prompt=prompt, example_key=key)
            taken.add(place)
            made += 1
    negative = asked.recipe.negative_class
    if negative:
        index = max([len(asked.recipe.classes) - 1, *taken]) + 1
        defaults = {"index": index, "is_negative": True}
        made += LabelClass.objects.get_or_create(project=project, name=negative, defaults=defaults)[1]
    return list(LabelClass.objects.filter(project=project, retired_at=None).order_by("index")), made


def accounts_of(stage: Stage, asked: Campaign) -> list[Account]:
    """Return the accounts that share a stage's crowd work."""
    settings = stage_kind(stage.kind).Settings.model_validate(stage.settings)
    names = settings.platforms if isinstance(settings, CrowdSettings) else []
    accounts = [account_for(stage.project, name) for name in (names or [asked.platform])]
    return list({account.pk: account for account in accounts}.values())


def _pools(asked: Campaign, stages: Sequence[Stage], classes: Sequence[LabelClass], seed: str) -> int:
    made = 0
    for stage in stages:
        kind, accounts = stage_kind(stage.kind), accounts_of(stage, asked)
        drafts = [on_terms(stage, draft) for draft in kind.pools(stage, classes, asked.wanted)]
        for number, account in enumerate(accounts):
            needs_known = any(draft.interface == "choice" for draft in drafts)
            known = _known_for(stage, account, asked, classes, seed) if needs_known else []
            for draft in drafts:
                wanted = asked.wanted_of(draft.label_class.name) if draft.label_class else draft.wanted
                share = replace(draft, wanted=_share(wanted, number, len(accounts)))
                chosen = kind.known_tasks(stage, Pool(kind=draft.kind), known)
                made += pools.ensure_pool(stage=stage, account_id=account.pk, draft=share, known=chosen)[1]
    return made


def on_terms(stage: Stage, draft: PoolDraft) -> PoolDraft:
    """Give a pool what every kind of crowd work can be asked for."""
    terms = stage_kind(stage.kind).Settings.model_validate(stage.settings)
    if not isinstance(terms, CrowdSettings):
        return draft
    audience = terms.audience.model_dump(exclude_defaults=True)
    fades = {KEPT: terms.skill_kept_a_day} if terms.skill_kept_a_day != KEPT_A_DAY else {}
    return replace(
        draft,
        audience=audience,
        spec={**draft.spec, **fades},
        review_days=terms.review_days,
        whole_pages=terms.whole_pages,
        expires_at=end_of(terms.expires_on),
    )


def end_of(day: date | None) -> datetime | None:
    """Return the moment after a day, in UTC."""
    return None if day is None else datetime.combine(day + timedelta(days=1), time(), UTC)


def _share(wanted: int, number: int, of: int) -> int:
    """Divide a target among platforms: the first ones get what does not divide."""
    return wanted // of + (number < wanted % of)


def _known_for(
    stage: Stage, account: Account, asked: Campaign, classes: Sequence[LabelClass], seed: str
) -> list[KnownTask]:
    """Draw training, exam and control pictures, only when the pools are not there yet."""
    if asked.recipe.known_answers == "none" or Pool.objects.filter(stage=stage, account=account).exists():
        return []
    settings = stage_kind(stage.kind).Settings.model_validate(stage.settings)
    stock = CONTROL_STOCK if getattr(settings, "control_per_page", 0) else 0
    count = getattr(settings, "training_tasks", 0) + getattr(settings, "exam_stock", 0) + stock
    if asked.recipe.known_answers == "filmed":
        return known_films.known_tasks(stage=stage, classes=classes, count=count, seed=seed)
    return known_tasks(classes=classes, count=count, seed=seed, pictures=asked.recipe.known_answers != "planted")


def _raise_targets(
    project: Project, asked: Campaign, classes: Sequence[LabelClass], by: User | None, now: datetime
) -> int:
    """Raise the targets of collecting pools to what is asked; a lower number changes nothing. Returns new places.

    Pools for a gap are left alone: they ask for what lacks, under one condition and at a price of their own.
    """
    added = 0
    for label in classes:
        mine = list(Pool.objects.filter(project=project, label_class=label, condition="").order_by("id"))
        missing = asked.wanted_of(label.name) - sum(pool.wanted for pool in mine)
        if not mine or missing <= 0:
            continue
        added += missing
        for number, pool in enumerate(mine):
            more = _share(missing, number, len(mine))
            pools.change_pool(pool_id=pool.pk, by=by, now=now, wanted=pool.wanted + more)
    return added


def create_project(*, asked: Campaign, by: User | None, now: datetime) -> Project:
    """Create a project in one call; a name that is taken is refused."""
    check_crowds(asked, by)
    if Project.objects.filter(slug=asked.slug).exists():
        raise CrowdError(f"There is a project “{asked.name}” already. Choose another name.")
    return ensure_project(asked=asked, by=by, now=now).project


@transaction.atomic
def open_all(*, project: Project, by: User | None, now: datetime, accept_differences: bool = False) -> list[Pool]:
    """Open every draft or paused pool; the whole plan must fit into the budget first."""
    drafts = pools.not_open(project=project)
    needed: Counter[str] = Counter()
    for pool in drafts:
        needed[pool.account.currency] += pools.most_expensive(pool=pool)
    for currency, amount in needed.items():
        free = pools.budget_of(project_id=project.pk, currency=currency).free_micro
        if amount > free:
            raise BudgetExceeded(amount, free, currency=currency)
    return [pools.open_pool(pool_id=pool.pk, by=by, now=now, accept_differences=accept_differences) for pool in drafts]


def reopen_raised(*, project: Project, by: User | None, now: datetime) -> None:
    """A finished pool whose target was raised goes on."""
    for pool in Pool.objects.filter(project=project, state=Pool.State.DONE).order_by("id"):
        if pools.accepted_count(pool_id=pool.pk) < pool.wanted:
            pools.open_pool(pool_id=pool.pk, by=by, now=now)
