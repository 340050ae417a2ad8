"""Every screen a person can go to, once: the palette, the go-to keys and the help sheet are made from this table."""

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest
from django.urls import reverse

from curation.models import Membership, User
from curation.seats import Seat, seats

VIEWER, REVIEWER, LEAD = Membership.Role.VIEWER, Membership.Role.REVIEWER, Membership.Role.LEAD


@dataclass(frozen=True, slots=True)
class Screen:
    """`key` is the letter after G, by its place on the keyboard; `words` are what else people call it."""

    name: str
    title: str
    key: str = ""
    role: str = VIEWER
    words: str = ""
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """A screen as one person reaches it from where he stands."""

    title: str
    url: str
    key: str
    words: str


OF_A_PROJECT: Final = (
    Screen("project", "Overview", "KeyO", words="pipeline funnel stages burn-up"),
    Screen("pools", "Pools", "KeyP", words="tasks prices open all"),
    Screen("assets", "Assets", "KeyA", words="pictures images photos browse search"),
    Screen("duplicates", "Duplicates", "KeyD", words="near-duplicates clusters lookalikes"),
    Screen("review", "Review", "KeyR", REVIEWER, "boxes accept reject"),
    Screen("review-grid", "Review: grid", role=REVIEWER, words="crops of one class"),
    Screen("review-checks", "Review: disputed checks", role=REVIEWER, words="validation votes appeals"),
    Screen("submissions", "Review: submissions", role=REVIEWER, words="collection check videos"),
    Screen("lab", "Lab", "KeyL", REVIEWER, "aggregation consensus iou", needs="aggregate"),
    Screen("quality", "Quality", "KeyQ", words="agreement error rate confusion"),
    Screen("quality-images", "Quality: images", words="verdicts disagreement"),
    Screen("instructions", "Instructions", words="what workers read examples"),
    Screen("workers", "Workers", "KeyW", words="board dishonesty levels evidence"),
    Screen("work", "Pages of work", words="assignments answers handed in accepted rejected expired"),
    Screen("inhouse", "In-house", "KeyI", LEAD, "teams invitations people"),
    Screen("balance", "Balance", "KeyB", words="coverage conditions plan gaps heat map classes"),
    Screen("outlook", "Outlook", words="time left eta when done final cost forecast predictions"),
    Screen("money", "Money", "KeyC", words="costs ledger budget spent"),
    Screen("datasets", "Datasets", "KeyS", words="versions exports"),
    Screen("imports", "Imports", role=LEAD, words="labelled data sets coco yolo voc package bring in"),
    Screen("dataset-compare", "Compare versions", words="diff added removed changed"),
    Screen("settings", "Settings", "KeyT", words="team members budget"),
    Screen("cuts", "Blur and light", words="sharpness brightness cut"),
    Screen("crawls", "Searches", words="search engines crawl searx queries addresses download spot check"),
    Screen("rehearsals", "Rehearsals", words="simulate compare overlap trial what if"),
    Screen("held-out", "Held-out sets", words="leak test set"),
    Screen("tags", "Tags", words="taggers layers"),
    Screen("sample", "Samples", words="balance shares quota draw"),
    Screen("models", "Models", words="predictions scenarios evaluate"),
    Screen("publish-filters", "Publish filters", words="children nudity watermark package erase"),
    Screen("levels", "Levels of dishonesty", words="0 5 20 80 cheat"),
    Screen("rings", "Copies among workers", words="rings collusion wrong answers"),
    Screen("appeals", "Appeals", role=LEAD, words="complaints"),
    Screen("inhouse-earnings", "Earnings", role=LEAD, words="pay hours in-house"),
    Screen("qualification", "Qualification", role=LEAD, words="skills exams in-house"),
    Screen("settings-stages", "Stages: settings", words="validate checks overlap"),
    Screen("settings-tokens", "API tokens", role=LEAD, words="rest keys scopes"),
    Screen("settings-webhooks", "Webhooks", role=LEAD, words="told events deliveries callbacks"),
    Screen("settings-platforms", "Platforms of the project", role=LEAD, words="accounts quota"),
    Screen("settings-storage", "Storage", role=LEAD, words="bucket disk files"),
    Screen("settings-log", "Log of the project", role=LEAD, words="audit events who did what"),
    Screen("settings-danger", "Archive and trash", role=LEAD, words="delete remove"),
)
ANYWHERE: Final = (
    Screen("projects", "All projects", "KeyH", words="home switch"),
    Screen("new-project", "New project", "KeyN", words="campaign wizard start"),
    Screen("rehearsals-all", "All rehearsals", words="simulate compare"),
    Screen("forecast", "Forecast", words="what if cost price per image time hours calculator"),
    Screen("help", "Guide", words="help manual documentation how to handbook"),
    Screen("account", "Your account", words="password name keys"),
    Screen("two-factor", "Two-factor sign-in", words="authenticator recovery codes security"),
    Screen("trash", "Trash", words="deleted bring back restore"),
    Screen("platform-accounts", "Platform accounts", role=LEAD, words="toloka mturk prolific connect"),
    Screen("platform-account-new", "Connect a platform", role=LEAD, words="toloka mturk prolific account"),
    Screen("system", "System", "KeyY", "operator", "queues jobs workers disk"),
    Screen("system-log", "Audit log", role="operator", words="events who did what"),
    Screen("api-docs", "API pages", words="rest swagger openapi documentation"),
)


def places(request: HttpRequest, seat: Seat | None) -> list[Place]:
    """Return every screen this person may open, of the project he stands in and of the whole."""
    mine = [_place(screen, seat) for screen in OF_A_PROJECT if seat and _may(seat, screen)]
    return mine + [_place(screen, None) for screen in ANYWHERE if _may_anywhere(request, screen)]


def _place(screen: Screen, seat: Seat | None) -> Place:
    address = reverse(screen.name, args=[seat.project.public_id] if seat else [])
    return Place(screen.title, address, screen.key, screen.words)


def _may(seat: Seat, screen: Screen) -> bool:
    kinds = {stage.kind for stage in seat.project.stages.all()} if screen.needs else set()
    return seat.may(screen.role) and (not screen.needs or screen.needs in kinds)


def _may_anywhere(request: HttpRequest, screen: Screen) -> bool:
    is_operator = isinstance(request.user, User) and request.user.is_staff
    if screen.role == "operator":
        return is_operator
    return screen.role != LEAD or is_operator or any(seat.may(LEAD) for seat in seats(request))
