"""Assets move: they enter, are decided on, are restored. Every move appends a decision."""

from curation.services.assets.classes import class_payload, classify, set_class
from curation.services.assets.deciding import Move, decide, decide_all, next_stage, repeat_all, wake_stage
from curation.services.assets.entering import enter, enter_sent, identity, identity_of_key, lock
from curation.services.assets.locking import all_locked, at_stage, lock_purse, locked, next_waiting
from curation.services.assets.reasons import FLAG, GENERATED, SENTENCES
from curation.services.assets.restoring import bring_back, is_judged_later, restore, way_back

__all__ = [
    "FLAG",
    "GENERATED",
    "SENTENCES",
    "Move",
    "all_locked",
    "at_stage",
    "bring_back",
    "class_payload",
    "classify",
    "decide",
    "decide_all",
    "enter",
    "enter_sent",
    "identity",
    "identity_of_key",
    "is_judged_later",
    "lock",
    "lock_purse",
    "locked",
    "next_stage",
    "next_waiting",
    "repeat_all",
    "restore",
    "set_class",
    "wake_stage",
    "way_back",
]
