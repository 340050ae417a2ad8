from django.db import models
from django.db.models.functions import Now


class Budget(models.Model):
    """What a project may spend. Both columns change only by the conditional UPDATE in crowd.services.ledger."""

    project_id = models.BigIntegerField(unique=True)
    currency = models.CharField(max_length=3, default="USD")
    limit_micro = models.BigIntegerField()
    reserved_micro = models.BigIntegerField(default=0)
    spent_micro = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    reserved_micro__gte=0,
                    spent_micro__gte=0,
                    limit_micro__gte=models.F("reserved_micro") + models.F("spent_micro"),
                ),
                name="budget_never_overdrawn",
            )
        ]

    def __str__(self) -> str:
        return f"budget of project {self.project_id}"

    @property
    def free_micro(self) -> int:
        return self.limit_micro - self.reserved_micro - self.spent_micro


class Reservation(models.Model):
    """Money held for one page until it is paid or given back."""

    class State(models.TextChoices):
        HELD = "held"
        PAID = "paid"
        RELEASED = "released"

    budget = models.ForeignKey(Budget, on_delete=models.PROTECT, related_name="reservations")
    ref = models.CharField(max_length=80, unique=True, help_text="assignment:ID")
    amount_micro = models.BigIntegerField()
    state = models.CharField(max_length=10, choices=State, default=State.HELD)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_micro__gte=0), name="reservation_not_negative"),
            models.CheckConstraint(
                condition=models.Q(state__in=["held", "paid", "released"]), name="reservation_state_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ref} {self.state}"


class LedgerTransaction(models.Model):
    """One movement of money; unique by (kind, ref), so nothing is paid twice. Append-only by trigger."""

    class Kind(models.TextChoices):
        PAY = "pay", "accepted work"
        BONUS = "bonus", "bonus"
        FEE = "fee", "platform fee"
        REFUND = "refund", "refund"

    kind = models.CharField(max_length=10, choices=Kind)
    ref = models.CharField(max_length=80)
    project_id = models.BigIntegerField(db_index=True)
    pool_id = models.BigIntegerField(null=True, blank=True)
    stage_id = models.BigIntegerField(null=True, blank=True)
    account_id = models.BigIntegerField(null=True, blank=True)
    worker_id = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="USD")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "ref"], name="ledger_once"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["pay", "bonus", "fee", "refund"]), name="ledger_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["pool_id", "kind"], name="ledger_of_pool"),
            models.Index(fields=["worker_id"], name="ledger_of_worker"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}"


class LedgerEntry(models.Model):
    """One side of a transaction; the entries of a transaction add up to zero. Append-only by trigger."""

    class Book(models.TextChoices):
        PROJECT = "project", "the project's money"
        WORKERS = "workers", "paid to workers"
        PLATFORM = "platform", "paid to the platform"

    transaction = models.ForeignKey(LedgerTransaction, on_delete=models.PROTECT, related_name="entries")
    book = models.CharField(max_length=10, choices=Book)
    amount_micro = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["transaction", "book"], name="one_entry_per_book"),
            models.CheckConstraint(
                condition=models.Q(book__in=["project", "workers", "platform"]), name="ledger_book_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.book} {self.amount_micro}"
