from typing import Any, Self

from django.db import models
from django.db.models.functions import Now

from crowd.states import state_check
from curation.models.asset import Asset
from curation.models.fields import public_id
from curation.models.person import User
from curation.models.project import LabelClass, Project
from curation.models.stage import Stage


class CrawlQuerySet(models.QuerySet["Crawl"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(project__in=Project.objects.visible_to(user))


class Crawl(models.Model):
    """Pictures looked for by search engines: a pattern over lists of values, asked through a searx instance."""

    public_id = public_id()
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="crawls")
    stage = models.ForeignKey(
        Stage, null=True, on_delete=models.SET_NULL, related_name="+", help_text="where they enter"
    )
    name = models.CharField(max_length=120)
    searx_url = models.CharField(max_length=300)
    pattern = models.CharField(max_length=300)
    lists = models.JSONField(default=dict, help_text="values of each {name} of the pattern")
    without = models.JSONField(default=list, help_text="queries that are not asked")
    class_from = models.CharField(max_length=40, blank=True, help_text="the list whose value is the class")
    pages = models.PositiveSmallIntegerField(default=1)
    per_query = models.PositiveIntegerField(default=100)
    seconds_between = models.FloatField(default=1.7, help_text="between two questions to one engine")
    counts = models.BooleanField(
        default=False, db_default=False, help_text="only how many results there are is asked for"
    )
    stopped = models.CharField(max_length=300, blank=True, help_text="why nothing is asked any more")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    objects = CrawlQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="crawl_name_once")]

    def __str__(self) -> str:
        return self.name


class CrawlEngine(models.Model):
    """One search engine, with a pace of its own: one that says no is asked later, the others go on."""

    crawl = models.ForeignKey(Crawl, on_delete=models.CASCADE, related_name="engines")
    name = models.CharField(max_length=60)
    next_at = models.DateTimeField(db_default=Now())
    refusals = models.PositiveSmallIntegerField(default=0, help_text="in a row")
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["crawl", "name"], name="crawl_engine_once")]

    def __str__(self) -> str:
        return self.name


class CrawlQuery(models.Model):
    """One query of the product, and what a picture found by it probably shows."""

    crawl = models.ForeignKey(Crawl, on_delete=models.CASCADE, related_name="queries")
    text = models.CharField(max_length=200)
    attributes = models.JSONField(default=dict)
    label_class = models.ForeignKey(LabelClass, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["crawl", "text"], name="crawl_query_once")]

    def __str__(self) -> str:
        return self.text


class CrawlCall(models.Model):
    """One page of one query at one engine: asked once, and never again when its answer is stored."""

    class State(models.TextChoices):
        PLANNED = "planned"
        DONE = "done"
        REFUSED = "refused"

    query = models.ForeignKey(CrawlQuery, on_delete=models.CASCADE, related_name="calls")
    engine = models.ForeignKey(CrawlEngine, on_delete=models.CASCADE, related_name="calls")
    page = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    tries = models.PositiveSmallIntegerField(default=0)
    hits = models.PositiveIntegerField(default=0)
    results = models.BigIntegerField(null=True, blank=True, help_text="how many the engine says there are")
    note = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["query", "engine", "page"], name="crawl_call_once"),
            state_check(["planned", "done", "refused"], "crawl_call_state_known"),
        ]
        indexes = [models.Index(fields=["engine", "id"], condition=models.Q(state="planned"), name="crawl_call_to_ask")]

    def __str__(self) -> str:
        return f"{self.query_id} page {self.page}"


class CrawlLink(models.Model):
    """The address of a picture, however many queries have found it."""

    class State(models.TextChoices):
        WAITING = "waiting"
        TAKEN = "taken"
        REFUSED = "refused"

    crawl = models.ForeignKey(Crawl, on_delete=models.CASCADE, related_name="links")
    url = models.CharField(max_length=2048)
    digest = models.BinaryField(max_length=16, help_text="BLAKE2b of the address")
    host = models.CharField(max_length=255)
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    code = models.CharField(max_length=40, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField(db_default=Now())
    size = models.PositiveBigIntegerField(null=True, blank=True, help_text="bytes")
    asset = models.ForeignKey(Asset, null=True, on_delete=models.SET_NULL, related_name="found_at")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["crawl", "digest"], name="crawl_link_once"),
            state_check(["waiting", "taken", "refused"], "crawl_link_state_known"),
        ]
        indexes = [
            models.Index(fields=["crawl", "next_at"], condition=models.Q(state="waiting"), name="crawl_link_due"),
            models.Index(fields=["crawl", "host"], condition=models.Q(state="waiting"), name="crawl_link_of_host"),
        ]

    def __str__(self) -> str:
        return self.url


class CrawlHit(models.Model):
    """Where an engine showed an address: how far up, on which page, under which licence as far as it says."""

    link = models.ForeignKey(CrawlLink, on_delete=models.CASCADE, related_name="hits")
    call = models.ForeignKey(CrawlCall, on_delete=models.CASCADE, related_name="found")
    rank = models.PositiveIntegerField()
    page_url = models.CharField(max_length=2048, blank=True)
    title = models.CharField(max_length=300, blank=True)
    licence = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["link", "call"], name="crawl_hit_once")]

    def __str__(self) -> str:
        return f"{self.link_id} at {self.rank}"


class CrawlHost(models.Model):
    """How a server behaves: one that fails again and again is given up."""

    crawl = models.ForeignKey(Crawl, on_delete=models.CASCADE, related_name="hosts")
    name = models.CharField(max_length=255)
    failures = models.PositiveSmallIntegerField(default=0, help_text="in a row")
    given_up = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["crawl", "name"], name="crawl_host_once")]

    def __str__(self) -> str:
        return self.name
