from typing import Self

from django.db import models
from django.db.models.functions import Now

from crowd.models.account import Account
from crowd.models.worker import Worker
from crowd.states import StateMachine, state_check


class BudgetQuerySet(models.QuerySet["Budget"]):
    def of_project(self, project_id: int) -> Self:
        """Only the budgets of the project as a whole, one for each currency."""
        return self.filter(scope="project", scope_id=project_id).order_by("id")


class Budget(models.Model):
    """What a project, one of its stages or one of its pools may spend in one currency.

    The amounts move only by the conditional UPDATE in crowd.services.ledger. `overdrawn` is what a platform took by
    itself although nothing was left: the truth is booked, and the limit a person has set stays what it was.
    """

    class Scope(models.TextChoices):
        PROJECT = "project"
        STAGE = "stage"
        POOL = "pool"

    project_id = models.BigIntegerField(db_index=True)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.PROJECT)
    scope_id = models.BigIntegerField(help_text="id of the project, stage or pool")
    currency = models.CharField(max_length=3, default="USD")
    limit_micro = models.BigIntegerField()
    reserved_micro = models.BigIntegerField(default=0)
    spent_micro = models.BigIntegerField(default=0)
    overdrawn_micro = models.BigIntegerField(default=0)
    warn_percent = models.PositiveSmallIntegerField(default=80, help_text="warn when so much is spent or held")
    warned_at = models.DateTimeField(null=True, blank=True)

    objects = BudgetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "scope_id", "currency"], name="one_budget_per_scope"),
            models.CheckConstraint(
                condition=models.Q(scope__in=["project", "stage", "pool"]), name="budget_scope_known"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    reserved_micro__gte=0,
                    spent_micro__gte=0,
                    overdrawn_micro__gte=0,
                    limit_micro__gte=models.F("reserved_micro") + models.F("spent_micro") - models.F("overdrawn_micro"),
                ),
                name="budget_never_overdrawn",
            ),
            models.CheckConstraint(condition=models.Q(warn_percent__lte=100), name="budget_warning_to_100"),
        ]

    def __str__(self) -> str:
        return f"budget of {self.scope} {self.scope_id}"

    @property
    def free_micro(self) -> int:
        return self.limit_micro + self.overdrawn_micro - self.reserved_micro - self.spent_micro


class Reservation(models.Model):
    """Money held: for one page of our own market, or for all that a batch may still cost on a platform."""

    class State(models.TextChoices):
        HELD = "held"
        PAID = "paid"
        RELEASED = "released"

    project_id = models.BigIntegerField()
    stage_id = models.BigIntegerField(null=True, blank=True)
    pool_id = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    ref = models.CharField(max_length=80, unique=True, help_text="assignment:ID, batch:ID or bonus:ID")
    amount_micro = models.BigIntegerField()
    changes = models.PositiveIntegerField(default=0, help_text="how often a batch's hold was grown or shrunk")
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_micro__gte=0), name="reservation_not_negative"),
            models.CheckConstraint(
                condition=models.Q(state__in=["held", "paid", "released"]), name="reservation_state_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["project_id", "stage_id", "pool_id", "currency"],
                include=["amount_micro"],
                condition=models.Q(state="held"),
                name="reservation_held",
            )
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.state}"


class LedgerQuerySet(models.QuerySet["LedgerEntry"]):
    def spent(self) -> Self:
        """Only movements to or from workers and platforms, with `spent_micro`: negative where money came back."""
        live = ["workers", "platform"]
        out = models.Q(target__in=live) & ~models.Q(source__in=live)
        back = models.Q(source__in=live) & ~models.Q(target__in=live)
        amount = models.Case(models.When(out, then=models.F("amount_micro")), default=-models.F("amount_micro"))
        return self.filter(out | back).annotate(spent_micro=amount)


class LedgerEntry(models.Model):
    """One movement of money from a book to a book: balanced by construction. Append-only by trigger.

    Unique by (kind, ref), so nothing is charged twice. What a book holds is what came in less what went out.
    """

    class Kind(models.TextChoices):
        RESERVE = "reserve", "held"
        RELEASE = "release", "given back"
        CHARGE = "charge", "accepted work"
        FEE = "fee", "platform fee"
        BONUS = "bonus", "bonus"
        REFUND = "refund", "refund"
        CORRECTION = "correction", "correction"

    class Book(models.TextChoices):
        BUDGET = "budget", "the project's free money"
        HELD = "held", "held for work under way"
        WORKERS = "workers", "paid to workers"
        PLATFORM = "platform", "paid to the platform"

    kind = models.CharField(max_length=10, choices=Kind)
    ref = models.CharField(max_length=80, help_text="assignment:ID, bonus:ID, batch:ID#CHANGE")
    source = models.CharField(max_length=8, choices=Book)
    target = models.CharField(max_length=8, choices=Book)
    amount_micro = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="USD")
    project_id = models.BigIntegerField()
    stage_id = models.BigIntegerField(null=True, blank=True)
    pool_id = models.BigIntegerField(null=True, blank=True)
    account_id = models.BigIntegerField(null=True, blank=True)
    worker_id = models.BigIntegerField(null=True, blank=True)
    by_id = models.BigIntegerField(null=True, blank=True, help_text="the person, for bonuses, refunds, corrections")
    note = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = LedgerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "ref"], name="ledger_once"),
            models.CheckConstraint(condition=models.Q(amount_micro__gt=0), name="ledger_amount_positive"),
            models.CheckConstraint(condition=~models.Q(source=models.F("target")), name="ledger_moves_something"),
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=["reserve", "release", "charge", "fee", "bonus", "refund", "correction"],
                    source__in=["budget", "held", "workers", "platform"],
                    target__in=["budget", "held", "workers", "platform"],
                ),
                name="ledger_words_known",
            ),
        ]
        indexes = [
            models.Index(fields=["project_id", "-id"], name="ledger_of_project"),
            models.Index(fields=["pool_id", "kind"], name="ledger_of_pool"),
            models.Index(fields=["worker_id"], name="ledger_of_worker"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class Bonus(StateMachine):
    """Money for a worker on top of the price. Held when it is planned, booked when the platform has paid it."""

    class State(models.TextChoices):
        PLANNED = "planned"
        PAID = "paid"
        REFUSED = "refused"

    TRANSITIONS = {
        State.PLANNED: frozenset({State.PAID, State.REFUSED}),
        State.PAID: frozenset(),
        State.REFUSED: frozenset({State.PLANNED}),
    }

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="bonuses")
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, related_name="bonuses")
    project_id = models.BigIntegerField(db_index=True)
    stage_id = models.BigIntegerField(null=True, blank=True)
    pool_id = models.BigIntegerField(null=True, blank=True)
    assignment_id = models.BigIntegerField(null=True, blank=True)
    key = models.CharField(max_length=80, help_text="what it is for: the same key is the same bonus")
    amount_micro = models.BigIntegerField()
    fee_micro = models.BigIntegerField(default=0)
    message = models.CharField(max_length=500, blank=True, help_text="what the worker reads")
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    remote_id = models.CharField(max_length=200, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="why it was refused")
    created_by_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account", "worker", "key"], name="bonus_once"),
            models.CheckConstraint(condition=models.Q(amount_micro__gt=0, fee_micro__gte=0), name="bonus_positive"),
            state_check(["planned", "paid", "refused"], "bonus_state_known"),
        ]

    def __str__(self) -> str:
        return f"bonus {self.key}"
