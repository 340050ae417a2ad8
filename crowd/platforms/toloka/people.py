"""People on Toloka: their skills, where they get no more work, what they are paid on top and told."""

import json
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import TypeVar

from crowd.errors import Invalid, NotFound, OutOfFunds, StateConflict
from crowd.models import Account, Skill
from crowd.money import dollars, micro
from crowd.platforms.base import Ban, BonusSpec
from crowd.platforms.toloka import pools
from crowd.platforms.toloka.assignments import known
from crowd.platforms.toloka.client import Client, Json, operation_id
from crowd.platforms.toloka.pools import Place
from crowd.platforms.toloka.quality import EVERYWHERE, SCOPES
from crowd.platforms.toloka.refusals import BALANCE, fields_of
from crowd.services import skill_news
from crowd.services.skills import ensure_skill

Made = TypeVar("Made")
MOST_SKILLS_LISTED = 100
MOST_LISTED = 300
MOST_BANS = 500
MOST_RECIPIENTS = 100
BY_TOLOKA = "SYSTEM"
ONLY_TOLOKA = "kept out of everything by the platform; only its support can lift that"
OUR_SCOPES = {there: here for here, there in SCOPES.items()}
LONGEST_COMMENT = 499
LONGEST_TITLE = 100
USUAL_LANGUAGE = "EN"
NO_MONEY = "NOT_ENOUGH_BALANCE"


def skill_ids(client: Client, names: Iterable[str]) -> dict[str, str]:
    """Return Toloka's id of each skill, made there on first use and kept on our row."""
    return {name: _skill_id(client, ensure_skill(account=client.account, name=name)) for name in names}


def _skill_id(client: Client, skill: Skill) -> str:
    if not skill.remote_id:
        skill.remote_id = _find_skill(client, skill.name) or _make_skill(client, skill.name)
        Skill.objects.filter(pk=skill.pk).update(remote_id=skill.remote_id)
    return skill.remote_id


def with_skills(client: Client, names: Iterable[str], use: Callable[[dict[str, str]], Made]) -> Made:
    """Give `use` Toloka's id of each skill. One that was removed there is made anew, with the values people have."""
    wanted = list(names)
    try:
        return use(skill_ids(client, wanted))
    except (Invalid, NotFound, StateConflict):
        if not _forget_removed(client, wanted):
            raise
        return use(skill_ids(client, wanted))


def _forget_removed(client: Client, names: Iterable[str]) -> bool:
    known = Skill.objects.filter(account=client.account, name__in=list(names)).exclude(remote_id="")
    gone = [skill for skill in known if _is_skill_gone(client, skill.remote_id)]
    for skill in gone:
        skill_news.made_anew(skill=skill)
    return bool(gone)


def _is_skill_gone(client: Client, ident: str) -> bool:
    try:
        client.get(f"/skills/{ident}")
    except NotFound:
        return True
    return False


def _comment(name: str) -> str:
    return f"winnow:skill:{name}"


def _find_skill(client: Client, name: str) -> str:
    """Names are unique in an account; one that a person made there under this name is taken over."""
    found = [one for page in client.pages("/skills", MOST_SKILLS_LISTED, name=name) for one in page]
    mine = [one for one in found if one["name"] == name and not one.get("global")]
    return str(mine[0]["id"]) if mine else ""


def _make_skill(client: Client, name: str) -> str:
    form = {"name": name, "private_comment": _comment(name), "hidden": True}
    made: Json = client.send("post", "/skills", form, quota="skills")
    return str(made["id"])


def set_skill(client: Client, worker_id: str, name: str, value: int) -> None:
    def give(ids: dict[str, str]) -> None:
        body = {"skill_id": ids[name], "user_id": known(worker_id), "value": value}
        client.send("put", "/user-skills", body, quota="user_skills")

    with_skills(client, [name], give)


def restrict(client: Client, where: Place, ban: Ban) -> None:
    body = {**_scope(client, where, ban), "private_comment": ban.reason[:LONGEST_COMMENT]}
    if ban.until is not None:
        body["will_expire"] = pools.written(ban.until)
    client.send("put", "/user-restrictions", body)


def unrestrict(client: Client, where: Place, ban: Ban) -> None:
    """Delete what bans this worker in this scope, whoever made it; nothing there is success."""
    scope = _scope(client, where, ban)
    found = [one["id"] for page in client.pages("/user-restrictions", MOST_LISTED, **scope) for one in page]
    for ident in found:
        try:
            client.send("delete", f"/user-restrictions/{ident}")
        except NotFound:
            continue


def bans(client: Client, where: Place) -> list[Ban]:
    """Return who is kept out of a pool there: of itself, its project, all projects of the account, or all of Toloka."""
    project_id = pools.view(client, where)["project_id"]
    asked: list[dict[str, str]] = [{"pool_id": where.id}, {"project_id": project_id}]
    asked += [{"scope": EVERYWHERE}, {"scope": BY_TOLOKA}]
    rows = [one for about in asked for page in client.pages("/user-restrictions", MOST_BANS, **about) for one in page]
    return [_ban(one) for one in {str(one["id"]): one for one in rows}.values()]


def _ban(told: Json) -> Ban:
    until, is_final = told.get("will_expire"), told["scope"] == BY_TOLOKA
    return Ban(
        worker_ext_id=str(told["user_id"]),
        scope="account" if is_final else OUR_SCOPES[told["scope"]],
        reason=ONLY_TOLOKA if is_final else str(told.get("private_comment") or ""),
        until=pools.moment(until) if until else None,
        is_final=is_final,
    )


def _scope(client: Client, where: Place, ban: Ban) -> Json:
    """Return whom and where a ban is about; the pool is looked up, for its project and because it must be there."""
    there = pools.view(client, where)
    place = {"batch": {"pool_id": where.id}, "project": {"project_id": there["project_id"]}, "account": {}}[ban.scope]
    return {"scope": SCOPES[ban.scope], "user_id": known(ban.worker_ext_id), **place}


def pay_bonus(client: Client, bonus: BonusSpec) -> str:
    """Pay under an operation id made of the key: the platform does it once, however often it is asked.

    Only an attempt that failed for want of money is followed by another one, once there is enough.
    """
    for attempt in count():
        ident = operation_id("bonus", bonus.worker_ext_id, bonus.key, str(attempt))
        operation = client.operation(ident)
        if operation is None:
            if attempt:
                _require_balance(client, bonus)
            operation = _start_bonus(client, bonus, ident)
        client.require_end(operation, "it pays a bonus")
        paid = _outcome(client, bonus, operation)
        if paid:
            return paid
    raise AssertionError("there is always another attempt")


def _require_balance(client: Client, bonus: BonusSpec) -> None:
    if micro(client.get("/requester")["balance"]) < bonus.amount_micro:
        raise OutOfFunds(BALANCE.format(label=client.account.label))


def _start_bonus(client: Client, bonus: BonusSpec, ident: str) -> Json:
    params = {"operation_id": ident, "async_mode": True, "skip_invalid_items": False}
    form = [_bonus_form(client, bonus)]
    try:
        started: Json = client.send("post", "/user-bonuses", form, params=params, quota="bonuses")
    except StateConflict:  # two at once: the other was first
        found = client.operation(ident)
        if found is None:
            raise
        return found
    return started


def _bonus_form(client: Client, bonus: BonusSpec) -> Json:
    language = _language(client.account)
    form: Json = {
        "user_id": known(bonus.worker_ext_id),
        "amount": dollars(bonus.amount_micro),
        "private_comment": _bonus_comment(bonus),
    }
    if bonus.assignment_ext_id:
        form["assignment_id"] = known(bonus.assignment_ext_id)
    if not bonus.message:
        return {**form, "without_message": True}
    title = bonus.message.split(".")[0][:LONGEST_TITLE]
    return {**form, "public_title": {language: title}, "public_message": {language: bonus.message}}


def _bonus_comment(bonus: BonusSpec) -> str:
    return f"winnow:{bonus.key}"


def _outcome(client: Client, bonus: BonusSpec, operation: Json) -> str:
    """Return the id of what was paid, or nothing when the money was missing. Raises Invalid for other reasons."""
    try:
        log: list[Json] = client.get(f"/operations/{operation['id']}/log")
    except (StateConflict, NotFound):  # kept for a month only
        return _paid_before(client, bonus)
    for line in log:
        if line["success"] and "user_bonus_id" in (line.get("output") or {}):
            return str(line["output"]["user_bonus_id"])
    problems = [line.get("output") for line in log if not line["success"]]
    if any(NO_MONEY in json.dumps(problem, default=str) for problem in problems):
        return ""
    reasons = {name: text for problem in problems for name, text in fields_of(problem).items()}
    raise Invalid(reasons or {"bonus": f"Toloka did not pay it and does not say why ({operation['status']})"})


def _paid_before(client: Client, bonus: BonusSpec) -> str:
    wanted = _bonus_comment(bonus)
    for page in client.pages("/user-bonuses", MOST_LISTED, user_id=bonus.worker_ext_id):
        for one in page:
            if one.get("private_comment") == wanted:
                return str(one["id"])
    raise Invalid({"bonus": "Toloka refused it, and the log that says why is gone"})


def bonuses_of(client: Client, where: Place) -> dict[str, int]:
    """Return the bonuses for pages of one pool, in micro-units by their id: ids of pages begin with the pool's."""
    start = f"{int(where.id):010x}--"
    listed = (one for page in client.pages("/user-bonuses", MOST_LISTED) for one in page)
    return {one["id"]: micro(one["amount"]) for one in listed if (one.get("assignment_id") or "").startswith(start)}


def message(client: Client, worker_ids: Sequence[str], topic: str, text: str) -> None:
    """Write to at most a hundred people, at most once: a message has no key by which a repeat would be noticed."""
    if len(worker_ids) > MOST_RECIPIENTS:
        raise Invalid(
            {"recipients": f"{len(worker_ids)} are more than the {MOST_RECIPIENTS} that one message may have"}
        )
    if not worker_ids:
        return
    language = _language(client.account)
    body = {
        "recipients_select_type": "DIRECT",
        "recipients_ids": [known(one) for one in worker_ids],
        "topic": {language: topic},
        "text": {language: text},
        "answerable": True,
    }
    client.send("post", "/message-threads/compose", body, quota="messages", n=len(worker_ids))


def _language(account: Account) -> str:
    return str(account.settings.get("language") or USUAL_LANGUAGE).upper()
