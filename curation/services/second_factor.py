"""Signing in with a code of a telephone beside the password (TOTP, RFC 6238), and ten codes for when it is lost."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import Final

import pyotp
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from crowd.errors import CrowdError
from crowd.secrets import Secrets
from curation.models import Membership, RecoveryCode, SecondFactor, Session, User
from curation.services import events
from curation.services.attempts import note_failure, refuse_too_many

CODES: Final = 10
STEPS: Final = (0, -1, 1)  # clocks of telephones are up to half a minute off
WRONG: Final = "This code is not right, or it was used before. Codes change every 30 seconds."


def is_on(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def id_of(user: User) -> int | None:
    """Return which second factor is on, if one is: another one has another number, also after a reset."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).values_list("pk", flat=True).first()


def is_required(user: User) -> bool:
    """Whether this server insists on a second factor of this person (REQUIRE_TWO_FACTOR)."""
    wanted = settings.REQUIRE_TWO_FACTOR
    if wanted and user.is_staff:
        return True
    return wanted == "leads" and Membership.objects.filter(user=user, role=Membership.Role.LEAD).exists()


@transaction.atomic
def begin(*, user: User) -> SecondFactor:
    """Make a new secret; it counts only when a code of it was typed."""
    factor, _ = _factors().select_for_update().get_or_create(user=user)
    if factor.confirmed_at is not None:
        raise CrowdError("Two-factor sign-in is on already. Switch it off to set it up on another telephone.")
    factor.secrets, factor.last_step = Secrets(totp=pyotp.random_base32()), 0
    factor.save(update_fields=["secrets", "last_step"])
    return factor


def of(user: User) -> SecondFactor | None:
    return _factors().filter(user=user).first()


def secret_to_scan(factor: SecondFactor) -> str:
    """Return the secret of a set-up that waits for its first code; nothing when it is on, or locked with other keys."""
    return _secret(factor) if factor.confirmed_at is None else ""


def address_of(factor: SecondFactor) -> str:
    """Return what the QR code says to an authenticator."""
    return _totp(_secret(factor)).provisioning_uri(name=factor.user.email, issuer_name="Winnow")


@transaction.atomic
def confirm(*, user: User, code: str, now: datetime) -> list[str] | None:
    """Switch it on by a first code and return the recovery codes, this once; None = the code is not right."""
    factor = _factors().select_for_update().filter(user=user, confirmed_at=None).first()
    if factor is None:
        raise CrowdError("There is nothing to confirm. Begin with “Set it up”.")
    if not _taken(factor, code, now):
        return None
    factor.confirmed_at = now
    factor.save(update_fields=["confirmed_at"])
    events.record(kind="two_factor.on", text=f"{user.name} switched two-factor sign-in on.", subject=user, by=user)
    return _new_codes(factor)


@transaction.atomic
def accept(*, user: User, code: str, now: datetime) -> bool:
    """Say whether a code of the telephone, or a recovery code, is right; each counts once. Raises TooManyFailures."""
    factor = _factors().select_for_update().filter(user=user, confirmed_at__isnull=False).first()
    return factor is not None and _taken(factor, code, now)


@transaction.atomic
def renew_codes(*, user: User, code: str, now: datetime) -> list[str] | None:
    """Return ten new recovery codes, the old ones end; None = the code is not right."""
    if not accept(user=user, code=code, now=now):
        return None
    events.record(kind="two_factor.codes", text=f"{user.name} made new recovery codes.", subject=user, by=user)
    return _new_codes(_factors().get(user=user))


@transaction.atomic
def switch_off(*, user: User, code: str, now: datetime) -> bool:
    if is_required(user):
        raise CrowdError("This server requires two-factor sign-in of you; an operator can reset it.")
    if not accept(user=user, code=code, now=now):
        return False
    _factors().filter(user=user).delete()
    events.record(kind="two_factor.off", text=f"{user.name} switched two-factor sign-in off.", subject=user, by=user)
    return True


@transaction.atomic
def reset(*, user: User) -> bool:
    """Take away what somebody lost, and end the sessions; False = there was none. For the operator of the server."""
    gone, _ = _factors().filter(user=user).delete()
    if gone:
        text = f"Two-factor sign-in of {user.name} was reset by the operator."
        events.record(kind="two_factor.reset", text=text, subject=user)
        Session.objects.filter(user=user).delete()  # whoever found the telephone may have found it signed in
    return bool(gone)


def codes_left(user: User) -> int:
    return RecoveryCode.objects.filter(factor__user=user, used_at=None).count()


def _taken(factor: SecondFactor, code: str, now: datetime) -> bool:
    """Use a code up. The row is locked by the caller: guesses at one account stand in line."""
    subjects = {"second-factor": factor.user_id}
    refuse_too_many(subjects=subjects, now=now)
    typed = "".join(code.split()).replace("-", "").lower()
    if _is_of_telephone(factor, typed, now) or _is_recovery(factor, typed, now):
        return True
    note_failure(subjects=subjects)
    return False


def _is_of_telephone(factor: SecondFactor, typed: str, now: datetime) -> bool:
    secret = _secret(factor)
    if not secret:
        return False
    totp = _totp(secret)
    current = totp.timecode(now)
    for step in (current + off for off in STEPS):
        is_right = hmac.compare_digest(totp.generate_otp(step).encode(), typed.encode())
        if is_right and step > factor.last_step:
            factor.last_step = step
            factor.save(update_fields=["last_step", "secrets"])  # encrypted anew: the newest key locks it from now on
            return True
    return False


def _is_recovery(factor: SecondFactor, typed: str, now: datetime) -> bool:
    mine = factor.recovery_codes.filter(code_hash=_hash(typed), used_at=None)
    return factor.confirmed_at is not None and mine.update(used_at=now) == 1


def _new_codes(factor: SecondFactor) -> list[str]:
    factor.recovery_codes.all().delete()
    codes = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]
    RecoveryCode.objects.bulk_create(RecoveryCode(factor=factor, code_hash=_hash(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _hash(code: str) -> bytes:
    """Plain SHA-256 is enough: a code has 80 random bits."""
    return hashlib.sha256(code.encode()).digest()


def _factors() -> QuerySet[SecondFactor]:
    """Return second factors without their secrets: recovery codes and a reset work when the keys are lost."""
    return SecondFactor.objects.defer("secrets")


def _secret(factor: SecondFactor) -> str:
    """Return the secret, or nothing when it is locked with other keys."""
    try:
        return str(factor.secrets.get("totp", ""))
    except CrowdError:
        return ""


def _totp(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret)
