"""Keys to the REST API: made once, shown once, stored as a hash."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from crowd.errors import CrowdError
from curation.models import ApiToken, Membership, Project, User
from curation.services import events

SCOPES = ("read", "assets:write", "review", "pools", "export", "admin")
DAYS = 90
MOST_DAYS = 366
SHAPE = re.compile(r"wnw_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
NOBODY = bytes(32)
BETWEEN_NOTES = timedelta(minutes=1)


class TokenRefused(CrowdError):
    """A token that does not open the door; `code` is stable, the sentence says what to do."""

    def __init__(self, code: str, sentence: str) -> None:
        self.code = code
        super().__init__(sentence)


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    scopes: Sequence[str],
    projects: Sequence[Project] = (),
    all_projects: bool = False,
    days: int = DAYS,
    now: datetime,
) -> tuple[ApiToken, str]:
    """Make a token for a person and return it with its text, which is not stored and cannot be shown again."""
    _check(user, name, scopes, projects, days, all_projects=all_projects)
    secret = secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name.strip(),
        public_id=secrets.token_hex(4),
        secret_hash=_hash(secret),
        scopes=[scope for scope in SCOPES if scope in scopes],
        all_projects=all_projects,
        expires_at=now + timedelta(days=days),
    )
    token.projects.set(projects)
    text = f"{user.name} made the API token {token.name!r} ({', '.join(token.scopes)})."
    events.record(kind="token.created", text=text, subject=token, by=user, now=now)
    return token, f"wnw_{token.public_id}_{secret}"


def _check(
    user: User, name: str, scopes: Sequence[str], projects: Sequence[Project], days: int, *, all_projects: bool
) -> None:
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if unknown or not scopes:
        raise CrowdError(f"{', '.join(unknown) or 'No scope'} is not a scope; scopes are {', '.join(SCOPES)}.")
    if not name.strip() or len(name) > 120:
        raise CrowdError("A token needs a name of 1 to 120 letters, so that you know later what it is for.")
    if not 1 <= days <= MOST_DAYS:
        raise CrowdError(f"A token may live 1 to {MOST_DAYS} days, not {days}.")
    if bool(projects) == all_projects:
        raise CrowdError("A token is for some projects or for all of them: name projects, or ask for all.")
    mine = set(Project.objects.visible_to(user).values_list("pk", flat=True))
    strange = [project.slug for project in projects if project.pk not in mine]
    if strange:
        raise CrowdError(f"{user.email} is not a member of {', '.join(strange)}.")


def authenticate(text: str, *, now: datetime | None = None) -> ApiToken:
    """Return the token that this text opens; TokenRefused says why not. Takes the same time for unknown ids.

    The database's clock comes with the token where no time is given.
    """
    shape = SHAPE.fullmatch(text)
    if shape is None:
        raise TokenRefused("token_malformed", "An API token looks like wnw_ID_SECRET; copy it whole.")
    public_id, secret = shape.groups()
    token = ApiToken.objects.select_related("user").annotate(read_at=Now()).filter(public_id=public_id).first()
    stored = bytes(token.secret_hash) if token else NOBODY
    if not hmac.compare_digest(stored, _hash(secret)) or token is None:
        raise TokenRefused("token_unknown", "This API token is not known here; make a new one.")
    moment = now or token.read_at
    _refuse_dead(token, moment)
    _note_use(token, moment)
    return token


def _refuse_dead(token: ApiToken, now: datetime) -> None:
    if token.revoked_at is not None:
        raise TokenRefused("token_revoked", f"This API token was revoked on {token.revoked_at:%Y-%m-%d}.")
    if token.expires_at <= now:
        raise TokenRefused("token_expired", f"This API token expired on {token.expires_at:%Y-%m-%d}; make a new one.")
    if not token.user.is_active:
        raise TokenRefused("person_inactive", "The person this API token belongs to may no longer sign in.")


def _note_use(token: ApiToken, now: datetime) -> None:
    """Write down the use at most once a minute: a busy token must not become a hot row."""
    if token.last_used_at is not None and token.last_used_at >= now - BETWEEN_NOTES:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - BETWEEN_NOTES)
    ApiToken.objects.filter(stale, pk=token.pk).update(last_used_at=now)


def opening(project: Project) -> QuerySet[ApiToken]:
    """Return the tokens of members that open a project, the good ones first."""
    members = Membership.objects.filter(project=project).values("user")
    reach = Q(all_projects=True) | Q(pk__in=_naming(project))
    rows = ApiToken.objects.filter(reach, user__in=members).select_related("user")
    return rows.order_by(F("revoked_at").desc(nulls_first=True), "-id")


def _naming(project: Project) -> list[int]:
    """Return the ids of the tokens that name a project."""
    return list(ApiToken.objects.filter(projects=project).values_list("pk", flat=True))


def may_revoke(token: ApiToken, *, by: User, project: Project) -> bool:
    """One's own; and a lead ends a token of somebody else that opens nothing but his project."""
    if token.user_id == by.pk:
        return True
    named = list(token.projects.values_list("pk", flat=True))
    is_lead = Membership.objects.filter(project=project, user=by, role=Membership.Role.LEAD).exists()
    return is_lead and not token.all_projects and named == [project.pk]


@transaction.atomic
def revoke_for_project(*, token_id: int, project: Project, by: User, now: datetime) -> None:
    """End a token from the page of a project. Raises DoesNotExist for one that is not this person's to end."""
    token = ApiToken.objects.select_for_update().get(pk=token_id)
    if not may_revoke(token, by=by, project=project):
        raise ApiToken.DoesNotExist
    _revoke(token, by, now, project)


@transaction.atomic
def revoke_token(*, token_id: int, by: User, now: datetime) -> None:
    """End a person's own token; its row stays."""
    _revoke(ApiToken.objects.select_for_update().get(pk=token_id, user=by), by, now)


def _revoke(token: ApiToken, by: User, now: datetime, project: Project | None = None) -> None:
    if token.revoked_at is not None:
        return
    token.revoked_at = now
    token.save(update_fields=["revoked_at"])
    whose = "" if token.user_id == by.pk else f" of {token.user.name}"
    text = f"{by.name} revoked the API token {token.name!r}{whose}."
    events.record(kind="token.revoked", text=text, project=project, subject=token, by=by, now=now)


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
