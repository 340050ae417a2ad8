"""People who sign in, their one-time links, and who may see a project."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.models import Membership, Project, SignInLink, User
from curation.services import events
from curation.services.attempts import note_failure, number_of, one_at_a_time, refuse_too_many

LINK_LIFE = timedelta(minutes=15)
INVITATION_LIFE = timedelta(days=7)
OPERATOR_EMAIL = "operator@winnow.local"


def hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def first_sign_in_link(*, base_url: str) -> str:
    """Return a one-time link for the operator. There is no default password."""
    return sign_in_link(user=operator(), base_url=base_url)


def operator() -> User:
    """Return the first operator, who is made at the first start, without a password."""
    user = User.objects.filter(is_staff=True, is_active=True).order_by("pk").first()
    return user or User.objects.create_superuser(OPERATOR_EMAIL, "Operator")


def seat_operators(*, project: Project) -> None:
    """Make every operator a lead, also the first one, who may not have signed in yet."""
    operator()
    for user in User.objects.filter(is_staff=True, is_active=True).order_by("pk"):
        Membership.objects.get_or_create(project=project, user=user, defaults={"role": Membership.Role.LEAD})


def sign_in_link(*, user: User, base_url: str, life: timedelta = LINK_LIFE) -> str:
    """Make a link that signs this person in once."""
    token = secrets.token_urlsafe(32)
    SignInLink.objects.create(user=user, token_hash=hash_of(token), expires_at=database_now() + life)
    return f"{base_url}{reverse('sign-in-link', args=[token])}"


def welcome_link(*, user: User, base_url: str) -> str:
    """Return a link for somebody who was just added and has never been here; nothing for anybody else.

    A lead must never get a link for a person who already has an account: it would be that person's key.
    """
    if user.last_login is not None or user.is_staff or user.has_usable_password():
        return ""
    return sign_in_link(user=user, base_url=base_url, life=INVITATION_LIFE)


@transaction.atomic
def rename(*, user: User, name: str) -> None:
    if not name.strip():
        raise CrowdError("A name cannot be empty.")
    before, user.name = user.name, name.strip()
    if user.name == before:
        return
    user.save(update_fields=["name"])
    events.record(kind="person.renamed", text=f"{before} is called {user.name} now.", subject=user, by=user)


def set_password(*, user: User, current: str, new: str) -> None:
    """Set a password that is good enough; who has one must know it. Raises TooManyFailures."""
    subjects = {"sign-in-account": number_of(user.email)}
    with one_at_a_time(subjects["sign-in-account"]):
        refuse_too_many(subjects=subjects, now=database_now())
        if user.has_usable_password() and not user.check_password(current):
            note_failure(subjects=subjects)
            raise CrowdError("The current password is not right.")
    try:
        validate_password(new, user)
    except ValidationError as error:
        raise CrowdError(" ".join(error.messages)) from None
    user.set_password(new)
    with transaction.atomic():
        user.save(update_fields=["password"])
        events.record(kind="person.password", text=f"{user.name} set a new password.", subject=user, by=user)


def check_link(*, token: str, address: str, now: datetime) -> None:
    """Count a link that never was one as a guess from this address. Raises TooManyFailures after five.

    A link that was given out is never refused: nobody guesses 256 bits, and neighbours share an address.
    """
    if SignInLink.objects.filter(token_hash=hash_of(token)).exists():
        return
    subjects = {"sign-in-link-address": number_of(address)}
    refuse_too_many(subjects=subjects, now=now)
    note_failure(subjects=subjects)


def link_is_good(*, token: str, now: datetime) -> bool:
    return SignInLink.objects.filter(token_hash=hash_of(token), used_at=None, expires_at__gt=now).exists()


def sign_in(*, token: str, now: datetime) -> User | None:
    """Use a link up and return its person; None when it is unknown, used or too old."""
    mine = SignInLink.objects.filter(token_hash=hash_of(token))
    if not mine.filter(used_at=None, expires_at__gt=now, user__is_active=True).update(used_at=now):
        return None
    return mine.select_related("user").get().user


@transaction.atomic
def add_member(*, project: Project, email: str, role: str, by: User | None) -> Membership:
    """Give a person a role in a project; somebody new is created without a password."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise CrowdError(f"{email!r} is not an e-mail address.") from None
    if role not in Membership.Role.values:
        raise CrowdError(f"{role!r} is not a role; roles are {', '.join(Membership.Role.values)}.")
    user = User.objects.filter(email=email).first() or User.objects.create_user(email)
    if role != Membership.Role.LEAD and _leads(project) == [user.pk]:
        raise CrowdError("The last lead cannot take a smaller role. Make somebody else a lead first.")
    member, _ = Membership.objects.update_or_create(project=project, user=user, defaults={"role": role})
    events.record(kind="member.added", text=f"{user.name} is now {role}.", project=project, subject=member, by=by)
    return member


@transaction.atomic
def remove_member(*, membership_id: int, project: Project, by: User) -> None:
    """Take a role away; the last lead stays."""
    member = Membership.objects.get(pk=membership_id, project=project)
    if _leads(project) == [member.user_id]:
        raise CrowdError("The last lead cannot be removed. Give somebody else the role first.")
    events.record(
        kind="member.removed", text=f"{member.user.name} was removed.", project=project, subject=member, by=by
    )
    member.delete()


def _leads(project: Project) -> list[int]:
    """Return the leads of a project and keep their rows locked: two that leave at once must not both go."""
    leads = Membership.objects.select_for_update().filter(project=project, role=Membership.Role.LEAD).order_by("pk")
    return list(leads.values_list("user_id", flat=True))
