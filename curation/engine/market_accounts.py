"""Which platform account a stage's crowd comes from."""

from crowd.errors import CrowdError
from crowd.models import Account
from crowd.platforms.registry import PLATFORMS, elsewhere
from curation.models import Project, User
from curation.services import accounts

LABELS = {"inhouse": "In-house", "rehearsal": "Rehearsal"}


def check_name(name: str) -> None:
    """Refuse what is neither a platform nor a connected account, and a platform that has no account yet."""
    if name in LABELS:
        return
    connected(name)


def connected(name: str) -> Account:
    """Return the account of this name, or the only one of this platform. The sentence says what is missing."""
    active = Account.objects.filter(is_active=True)
    exact = active.filter(slug=name, platform__in=elsewhere()).first()
    if exact is not None:
        return exact
    if name not in PLATFORMS:
        known = ", ".join([*sorted(PLATFORMS), *active.filter(platform__in=elsewhere()).values_list("slug", flat=True)])
        raise CrowdError(f"{name!r} is not a known platform; known are {known}.")
    found = list(active.filter(platform=name).order_by("id"))
    if not found:
        raise CrowdError(f"No {name} account is connected. Connect one under Accounts, then try again.")
    if len(found) > 1:
        slugs = ", ".join(account.slug for account in found)
        raise CrowdError(f"There are several {name} accounts: say which one, {slugs}.")
    return found[0]


def usable_by(name: str, by: User) -> bool:
    """Say whether a person may use what a name stands for; our own markets are everybody's."""
    return name in LABELS or accounts.visible_to(by).filter(pk=connected(name).pk).exists()


def account_for(project: Project, name: str) -> Account:
    """In-house is one account for all; every rehearsed project has a crowd of its own; the others are connected."""
    if name not in LABELS:
        return connected(name)
    slug = name if name == "inhouse" else f"{name}-{project.slug}"
    if len(slug) > 60:
        slug = f"{slug[:40]}-{project.pk}"
    account, _ = Account.objects.get_or_create(slug=slug, defaults={"platform": name, "label": LABELS[name]})
    return account


def usual_terms(name: str) -> Account:
    """Return the account a plan is priced with; for our own markets there is nothing to know about it."""
    return Account(platform=name) if name in LABELS else connected(name)
