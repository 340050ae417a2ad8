"""Addresses of ours that leave the house: pictures in tasks on other platforms, and our page on theirs.

Input values of a task never change and pools live for weeks, so these addresses are signed, stable, and lead to the
storage only when asked. They need no cookie.
"""

from django.conf import settings
from django.core import signing

MEDIA_SALT = "winnow.task-media"
PAGE_SALT = "winnow.hosted-page"
SUBMISSION_SALT = "winnow.submission"


def media_url(key: str) -> str:
    """Return the address under which a stored picture of a task can be seen."""
    return f"{settings.BASE_URL}/x/media/{signing.Signer(salt=MEDIA_SALT).sign(key)}"


def key_of(token: str) -> str:
    """Return the storage key of such an address; signing.BadSignature when it is not ours."""
    return signing.Signer(salt=MEDIA_SALT).unsign(token)


def hosted_url(platform: str, batch_key: str) -> str:
    """Return the address of our task page for the people of another platform."""
    return f"{settings.BASE_URL}/x/{platform}/{signing.Signer(salt=PAGE_SALT).sign(batch_key)}/"


def batch_key_of(token: str) -> str:
    return signing.Signer(salt=PAGE_SALT).unsign(token)


def submission_of(page_id: int) -> str:
    """Return what our page hands to the platform with a finished page: only we can know it beforehand."""
    return signing.Signer(salt=SUBMISSION_SALT).signature(str(page_id))


def webhook_url(account_slug: str) -> str:
    """Return where a platform may tell us that something happened."""
    return f"{settings.BASE_URL}/x/events/{account_slug}/"
