from django.db import models
from django.db.models.functions import Now

from crowd.models import Batch
from crowd.states import StateMachine, state_check
from curation.models.person import User
from curation.models.stage import Pool


class PriceTrial(StateMachine):
    """The same work at two to four prices at once: each worker sees one, and the work flows to the best one."""

    class State(models.TextChoices):
        RUNNING = "running"
        ENDED = "ended"

    TRANSITIONS = {State.RUNNING: frozenset({State.ENDED}), State.ENDED: frozenset()}

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="price_trials")
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    deadline = models.DateTimeField(help_text="when the work is to be done")
    cap_micro = models.BigIntegerField(help_text="the most that the pages of the trial may cost together")
    seed = models.BigIntegerField(default=0)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_pages = models.PositiveIntegerField(default=0, help_text="pages handed in at the last decision")
    note = models.CharField(max_length=200, blank=True, help_text="why it ended or gives out nothing, in words")
    by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["pool"], condition=models.Q(state="running"), name="one_running_trial_per_pool"
            ),
            state_check(["running", "ended"], "price_trial_state_known"),
            models.CheckConstraint(condition=models.Q(cap_micro__gt=0), name="price_trial_cap_positive"),
        ]
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"price trial {self.pk}"


class PriceArm(models.Model):
    """One price of a trial, carried out by a batch of its own beside the pool's."""

    trial = models.ForeignKey(PriceTrial, on_delete=models.CASCADE, related_name="arms")
    number = models.PositiveSmallIntegerField()
    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, related_name="+")
    price_micro = models.BigIntegerField(help_text="price of a page, micro-dollars")
    hours = models.FloatField(default=0.0, help_text="hours on offer, each counted by the share the arm had in it")
    dealt = models.PositiveIntegerField(default=0, help_text="tasks it was given")
    is_taken = models.BooleanField(default=False, help_text="the price that was kept in the end")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trial", "number"], name="price_arm_number_once"),
            models.CheckConstraint(condition=models.Q(price_micro__gt=0), name="price_arm_costs_something"),
        ]
        ordering = ["number"]

    def __str__(self) -> str:
        return f"arm {self.number}"


class PriceDecision(models.Model):
    """Which arm got most of the work from then on, and what was known and drawn. Append-only."""

    trial = models.ForeignKey(PriceTrial, on_delete=models.CASCADE, related_name="decisions")
    number = models.PositiveSmallIntegerField(help_text="of the arm that was chosen")
    says = models.CharField(max_length=200)
    facts = models.JSONField(default=list)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.says
