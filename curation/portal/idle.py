"""The sentences of an empty queue: why there is nothing to begin now, and what a worker can do about it."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from crowd.authored import told
from crowd.services.queue_facts import Bar, QueueFacts
from curation.portal import amounts


def idle_sentences(facts: QueueFacts) -> list[str]:
    """Say what there is behind each obstacle, the nearest first."""
    said = []
    if facts.held and facts.held_until:
        held = ngettext(
            "%(n)s task is held by others until %(time)s at the latest.",
            "%(n)s tasks are held by others until %(time)s at the latest.",
            facts.held,
        )
        said.append(held % {"n": amounts.number(facts.held), "time": f"{facts.held_until:%H:%M} UTC"})
    for gate in facts.gates:
        behind = ngettext("%(n)s task needs “%(skill)s”.", "%(n)s tasks need “%(skill)s”.", gate.tasks)
        said.append(behind % {"n": amounts.number(gate.tasks), "skill": told(gate.skill)})
    if facts.paused:
        paused = ngettext(
            "%(n)s pool is paused; it may go on at any time.",
            "%(n)s pools are paused; they may go on at any time.",
            facts.paused,
        )
        said.append(paused % {"n": amounts.number(facts.paused)})
    if not said and facts.closed:
        said.append(_("All work here is finished for now. What you have earned stays yours."))
    return said


ABOUT = {
    "control": lambda: _("Too many answers to tasks with a known answer were wrong."),
    "majority": lambda: _("Too many answers differed from those of everybody else."),
    "speed": lambda: _("Pages came back faster than anybody can look at them."),
    "acceptance": lambda: _("Too much of what was sent could not be accepted."),
    "dishonesty": lambda: _("Pictures were sent that are not the sender's own new ones."),
}


def bar_sentences(bar: Bar) -> list[str]:
    """Say that somebody gets no work, until when, what it was about and what to do."""
    where = (
        _("You get no work here at present.") if bar.everywhere else _("You get no work in this project at present.")
    )
    until = _("Until %(time)s.") % {"time": amounts.moment(bar.until)} if bar.until else ""
    about = ABOUT[bar.about]() if bar.about in ABOUT else ""
    what_now = _("What was accepted stays paid. If you think this is wrong, tell the person who invited you.")
    return [part for part in (where, until, about, what_now) if part]
