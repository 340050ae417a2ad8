"""What a crawl has asked, found and fetched so far, counted from its rows."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, Sum

from curation.models import Crawl, CrawlCall, CrawlHit, CrawlLink


def report(crawl: Crawl) -> dict[str, Any]:
    """Return the counts as one document; `hours` is the time from the first answer to the last."""
    calls = CrawlCall.objects.filter(query__crawl=crawl)
    links = CrawlLink.objects.filter(crawl=crawl)
    searched = calls.aggregate(first=Min("answered_at"), last=Max("answered_at"))
    fetched = links.aggregate(first=Min("ended_at"), last=Max("ended_at"), bytes=Sum("size"))
    return {
        "crawl": crawl.name,
        "pattern": crawl.pattern,
        "stopped": crawl.stopped,
        "queries": crawl.queries.count(),
        "questions": _states(calls),
        "engines": list(_engines(crawl)),
        "addresses": _states(links),
        "hits": CrawlHit.objects.filter(link__crawl=crawl).count(),
        "refused": dict(
            links.filter(state=CrawlLink.State.REFUSED)
            .values_list("code")
            .annotate(n=Count("pk"))
            .order_by("-n", "code")
        ),
        "hosts_given_up": crawl.hosts.filter(given_up=True).count(),
        "classes": list(_classes(crawl)),
        "bytes": fetched["bytes"] or 0,
        "hours": {"search": _hours(searched), "fetch": _hours(fetched)},
    }


def is_over(crawl: Crawl) -> bool:
    return not Crawl.objects.filter(at_work(), pk=crawl.pk).exists()


def at_work() -> Q:
    """Return what is true of a search that has something to ask or to fetch."""
    planned = CrawlCall.objects.filter(query__crawl=OuterRef("pk"), state=CrawlCall.State.PLANNED)
    waiting = CrawlLink.objects.filter(crawl=OuterRef("pk"), state=CrawlLink.State.WAITING)
    return Q(Exists(planned) | Exists(waiting))


def _states(rows: Any) -> dict[str, int]:
    return dict(rows.values_list("state").annotate(n=Count("pk")).order_by("state"))


def _engines(crawl: Crawl) -> Any:
    done, planned = (Q(calls__state=state) for state in (CrawlCall.State.DONE, CrawlCall.State.PLANNED))
    rows = crawl.engines.annotate(answered=Count("calls", filter=done), left=Count("calls", filter=planned))
    for engine in rows.order_by("pk"):
        yield {"name": engine.name, "answered": engine.answered, "left": engine.left, "note": engine.note}


def _classes(crawl: Crawl) -> Any:
    """Yield, for each class that the queries name, how many addresses were found and how many pictures taken."""
    of_class = CrawlLink.objects.filter(crawl=crawl, hits__call__query__label_class__isnull=False)
    rows = of_class.values_list("hits__call__query__label_class__name").annotate(
        found=Count("pk", distinct=True), taken=Count("asset", distinct=True)
    )
    for name, found, taken in rows.order_by("hits__call__query__label_class__name"):
        yield {"class": name, "found": found, "taken": taken}


def _hours(span: dict[str, Any]) -> float:
    first, last = span["first"], span["last"]
    return round((last - first) / timedelta(hours=1), 4) if first and last else 0.0
