"""What a person has to enter to connect an account of each platform, and what it can do, in words. No SDK is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass

from crowd.money import money_text
from crowd.platforms.base import Capabilities


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to enter. A `flag` is a tick; everything else is a line of text."""

    name: str
    title: str
    hint: str = ""
    required: bool = False
    flag: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """`why_not` says why nobody connects an account of this platform by hand; empty = it can be connected.

    `makes_own_webhook_secret`: the platform makes it when the first batch is published; ours would not be believed.
    """

    title: str
    about: str = ""
    secrets: Sequence[Entry] = ()
    settings: Sequence[Entry] = ()
    usual_url: str = ""
    currency: str = "USD"
    why_not: str = ""
    makes_own_webhook_secret: bool = False


TOKEN = Entry("token", "Access token", "from the API page of your account there", required=True)
TERMS: dict[str, Terms] = {
    "inhouse": Terms(
        title="In-house",
        about="People you invite work in their browser. Nothing leaves this server, and there is no fee.",
        why_not="It is there already. Make a link for your people under Settings of a project.",
    ),
    "rehearsal": Terms(
        title="Rehearsal",
        about="A simulated crowd with honest and dishonest people. Nobody is paid.",
        why_not="Every rehearsed project gets one of its own: choose the simulated crowd for a new project.",
    ),
    "toloka": Terms(
        title="Toloka, Yandex Tasks",
        secrets=(TOKEN,),
        settings=(
            Entry(
                "yandex", "This is Yandex Tasks", "pools are validated and moderated there before they open", flag=True
            ),
            Entry("act_under_account_id", "Act under account ID", "only where others share their account with you"),
            Entry("language", "Language of messages", "two letters; empty: EN"),
        ),
        usual_url="https://toloka.dev",
    ),
    "mturk": Terms(
        title="Mechanical Turk",
        secrets=(
            Entry("access_key", "Access key ID", required=True),
            Entry("secret_key", "Secret access key", required=True),
        ),
        settings=(
            Entry("hosts", "Where workers hand in", "only for a server of your own, as https://host"),
            Entry("exams", "Exams", "“platform” makes them MTurk's own tests; else they are on our page"),
        ),
        usual_url="https://mturk-requester.us-east-1.amazonaws.com",
    ),
    "prolific": Terms(
        title="Prolific",
        secrets=(TOKEN,),
        settings=(
            Entry("workspace", "Workspace ID", "whose balance pays", required=True),
            Entry("project", "Project ID", "studies are made in it"),
        ),
        usual_url="https://api.prolific.com",
        currency="GBP",
        makes_own_webhook_secret=True,
    ),
    "tagme_files": Terms(title="Vendor files, such as TagMe"),
}


def terms_of(slug: str) -> Terms:
    """Return what to enter; a platform without an entry of its own asks for a token."""
    return TERMS.get(slug) or Terms(title=slug.replace("_", " ").capitalize(), secrets=(TOKEN,))


@dataclass(frozen=True, slots=True)
class Ability:
    """One line of the table of capabilities. `good` None = neither a strength nor a lack."""

    what: str
    says: str
    good: bool | None = None


PAGES = {
    "local": "on our own pages",
    "remote": "on the platform's pages",
    "hosted": "on our pages, sent and paid by the platform",
}
FILTERS = {
    "languages": "language",
    "countries": "country",
    "regions": "region",
    "devices": "device",
    "skills": "skill",
    "top_percent": "best share",
    "best_n": "best N",
    "adult_content": "adult content",
}


def abilities(can: Capabilities) -> list[Ability]:
    """Return what a platform can do, as lines for people."""
    return [
        Ability("People work", PAGES[can.pages]),
        _yes("Talks to us by itself", can.live_api, no="no: files are carried by hand"),
        Ability("Kinds of tasks", ", ".join(sorted(can.interfaces))),
        _yes("Training before the work", can.training),
        _yes("Exam before the work", can.exam),
        _yes("Control tasks among the others", can.control_tasks),
        Ability("Quality rules", _rules(can)),
        _yes("Price by skill", can.price_by_skill),
        _review(can),
        _yes("A rejection can be taken back", can.undo_rejection, no="no: a rejection is final"),
        _yes("Bans for a pool, with an end", can.ban_with_scope, no="no: a ban is for good and everywhere"),
        _yes("Photos are sent there", can.native_upload, no="no: on our page, or as a link"),
        Ability("People chosen by", _filters(can) or "nothing: whoever comes", bool(can.audience_filters)),
        _yes("Skipped pages are seen", can.sees_skips),
        _yes("Priority among pools", can.priority),
        _yes("Bonuses", can.bonuses),
        _yes("Messages to workers", can.messages),
        _yes("Shows its balance", can.balance),
        _yes("Tells us when something happens", can.webhooks, no="no: we ask every few seconds"),
        Ability("Lowest price of a page", money_text(can.lowest_price_micro, 3) if can.lowest_price_micro else "any"),
        Ability("Most answers for a task", f"{can.most_overlap:,}"),
    ]


def _yes(what: str, good: bool, *, no: str = "no") -> Ability:  # noqa: FBT001  the flag is the fact itself
    return Ability(what, "yes" if good else no, good)


def _rules(can: Capabilities) -> str:
    told = "; the platform is told those it knows" if can.platform_rules and can.pages != "local" else ""
    return f"ours, after every page{told}. {can.rules_note}".strip()


def _review(can: Capabilities) -> Ability:
    if not can.postponed_acceptance:
        return Ability("Pay only what was checked", "no: every page is paid", good=False)
    return Ability("Pay only what was checked", f"yes, within {can.longest_review_days} days", good=True)


def _filters(can: Capabilities) -> str:
    return ", ".join(words for name, words in FILTERS.items() if name in can.audience_filters)
