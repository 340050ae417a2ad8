from django.db import models
from django.db.models.functions import Now

from crowd.states import StateMachine, state_check
from curation.models.fields import public_id
from curation.models.incoming import FileUpload
from curation.models.person import User
from curation.models.project import Project
from curation.models.stage import Stage


class DatasetImport(StateMachine):
    """A labelled data set that somebody has sent or named: counted first, then taken in whole or not at all."""

    class State(models.TextChoices):
        CHECKING = "checking"
        CHECKED = "checked"
        TAKING_IN = "taking_in", "being taken in"
        DONE = "done"
        REFUSED = "refused"
        CANCELLED = "cancelled"

    TRANSITIONS = {
        State.CHECKING: frozenset({State.CHECKED, State.TAKING_IN, State.REFUSED, State.CANCELLED}),
        State.CHECKED: frozenset({State.TAKING_IN, State.CANCELLED}),
        State.TAKING_IN: frozenset({State.DONE, State.REFUSED, State.CANCELLED}),
        State.DONE: frozenset(),
        State.REFUSED: frozenset(),
        State.CANCELLED: frozenset(),
    }

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="imports")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    upload = models.OneToOneField(FileUpload, null=True, on_delete=models.SET_NULL, related_name="data_set")
    address = models.CharField(max_length=1024, blank=True, help_text="in a bucket that may be read; else an upload")
    format = models.CharField(max_length=20, blank=True, help_text="empty until it is recognised")
    classes = models.JSONField(default=list, help_text="classes of the file that are taken; empty = all")
    names = models.JSONField(default=dict, help_text="what classes of the file are called in the project")
    source = models.CharField(max_length=120, help_text="what the data set is called as a source")
    licence = models.CharField(max_length=120, blank=True, help_text="of pictures that name none themselves")
    stage = models.ForeignKey(
        Stage, null=True, on_delete=models.SET_NULL, related_name="+", help_text="empty = where labelled pictures start"
    )
    audit = models.FloatField(default=0.0, help_text="share of its pictures that our own people box too")
    starts_itself = models.BooleanField(default=False, help_text="taken in after the check if every class has a place")
    state = models.CharField(max_length=10, choices=State, default=State.CHECKING)
    progress = models.PositiveIntegerField(default=0, help_text="pictures read so far while it is taken in")
    held = models.JSONField(default=dict, help_text="what it holds, by class")
    result = models.JSONField(default=dict, help_text="received = new + existing + left out + refused")
    error = models.CharField(max_length=600, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            state_check(
                ["checking", "checked", "taking_in", "done", "refused", "cancelled"], "dataset_import_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(audit__gte=0, audit__lte=1), name="dataset_import_audit_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return f"import of {self.source}"
