"""Whatever requester and workers do in whatever order: the books add up and no state contradicts another."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from crowd.emulators.mturk import MTurkEmulator, VirtualClock, worker_side
from crowd.emulators.mturk.errors import Refusal
from crowd.emulators.mturk.worker_side import Profile
from tests.emulators.mturk.test_reviews import known, plurality
from tests.emulators.mturk.turk import MORNING, form

SIGNS = st.sampled_from(["fist", "palm"])
POLICIES = {
    "AssignmentReviewPolicy": known(
        AnswerKey={"sign": ["fist"]},
        ApproveIfKnownAnswerScoreIsAtLeast=100,
        ExtendIfKnownAnswerScoreIsLessThan=50,
        ExtendMaximumAssignments=4,
    ),
    "HITReviewPolicy": plurality(QuestionIds="sign", RejectIfWorkerAgreementScoreIsLessThan=50),
}
EXPECTED = {
    "AssignmentAlreadyExists",
    "InsufficientFunds",
    "InvalidAssignmentState",
    "InvalidHITState",
    "InvalidMaximumAssignmentsIncrease",
    "InvalidParameterValue",
}


class Life(RuleBasedStateMachine):
    hits = Bundle("hits")
    works = Bundle("works")

    @initialize(target=hits, reviewed=st.booleans())
    def open_the_market(self, reviewed: bool) -> Any:
        self.emulator = MTurkEmulator(seed=3, clock=VirtualClock(MORNING, speed=0), balance="20")
        self.market = self.emulator.market
        for number in range(4):
            worker_side.join(self.market, Profile(id=f"AWORKER{number}"))
        return self.publish_one(25, 3, 86_400, reviewed=reviewed)

    def call(self, operation: str, **request: Any) -> dict[str, Any] | None:
        """Call as the wire would; a refusal must be one that this story can lead to."""
        try:
            return self.emulator.service.call(operation, request)
        except Refusal as refusal:
            if refusal.code.removeprefix("AWS.MechanicalTurk.") not in EXPECTED:
                raise
            return None

    def act(self, move: Any, *arguments: Any) -> Any:
        """Do something on the worker's side, if it can be done."""
        self.emulator.service.catch_up()
        try:
            return move(self.market, *arguments, self.market.clock.now())
        except Refusal as refusal:
            if refusal.code.removeprefix("AWS.MechanicalTurk.") not in EXPECTED:
                raise
            return None

    @rule(
        target=hits,
        cents=st.sampled_from([0, 1, 7, 10, 250]),
        places=st.sampled_from([1, 2, 3, 9, 11]),
        reviewed=st.booleans(),
        patience=st.sampled_from([0, 3_600, 86_400]),
    )
    def publish(self, cents: int, places: int, reviewed: bool, patience: int) -> Any:
        return self.publish_one(cents, places, patience, reviewed=reviewed)

    def publish_one(self, cents: int, places: int, patience: int, *, reviewed: bool) -> Any:
        made = self.call(
            "CreateHIT",
            Title=f"{cents} {patience}",
            Description="d",
            Reward=f"{cents / 100:.2f}",
            Question=form(sign=("fist", "palm")),
            MaxAssignments=places,
            LifetimeInSeconds=7_200,
            AssignmentDurationInSeconds=1_800,
            AutoApprovalDelayInSeconds=patience,
            **(POLICIES if reviewed else {}),
        )
        return made["HIT"]["HITId"] if made else multiple()

    @rule(target=works, hit=hits, number=st.integers(0, 3))
    def accept(self, hit: str, number: int) -> Any:
        self.emulator.service.catch_up()
        worker, found = self.market.worker(f"AWORKER{number}"), self.market.hit(hit)
        taken = self.act(worker_side.accept, worker, found)
        return taken.id if taken else multiple()

    @rule(target=works, hit=hits, number=st.integers(0, 3), sign=SIGNS)
    def accept_and_hand_in(self, hit: str, number: int, sign: str) -> Any:
        taken = self.accept(hit, number)
        if isinstance(taken, str):
            self.hand_in(taken, sign)
        return taken

    @rule(target=works, hit=hits, sign=SIGNS)
    def everybody_works(self, hit: str, sign: str) -> Any:
        """Hand in for all but one, who may think otherwise."""
        return multiple(*filter(lambda taken: isinstance(taken, str), self._crowd(hit, sign)))

    def _crowd(self, hit: str, sign: str) -> Iterator[Any]:
        return (self.accept_and_hand_in(hit, number, "fist" if number else sign) for number in range(4))

    @rule(work=works, sign=SIGNS)
    def hand_in(self, work: str, sign: str) -> None:
        self.act(worker_side.hand_in, self.market.assignment(work), {"sign": sign})

    @rule(work=works)
    def give_back(self, work: str) -> None:
        self.act(worker_side.give_back, self.market.assignment(work))

    @rule(work=works, override=st.booleans())
    def approve(self, work: str, override: bool) -> None:
        self.call("ApproveAssignment", AssignmentId=work, OverrideRejection=override)

    @rule(work=works)
    def reject(self, work: str) -> None:
        self.call("RejectAssignment", AssignmentId=work, RequesterFeedback="no")

    @rule(work=works, cents=st.integers(1, 300))
    def bonus(self, work: str, cents: int) -> None:
        worker = self.market.assignment(work).worker_id
        self.call("SendBonus", AssignmentId=work, WorkerId=worker, BonusAmount=f"{cents / 100:.2f}", Reason="good")

    @rule(hit=hits, more=st.integers(1, 3))
    def extend(self, hit: str, more: int) -> None:
        self.call("CreateAdditionalAssignmentsForHIT", HITId=hit, NumberOfAdditionalAssignments=more)

    @rule(hit=hits, hours=st.sampled_from([-1, 0, 1, 30, 30]))
    def move_end(self, hit: str, hours: int) -> None:
        until = self.market.clock.now() + timedelta(hours=hours)
        self.call("UpdateExpirationForHIT", HITId=hit, ExpireAt=until.timestamp())

    @rule(hit=hits, other=hits)
    def retype(self, hit: str, other: str) -> None:
        self.call("UpdateHITTypeOfHIT", HITId=hit, HITTypeId=self.market.hit(other).type.id)

    @rule(hit=hits, revert=st.booleans())
    def review(self, hit: str, revert: bool) -> None:
        self.call("UpdateHITReviewStatus", HITId=hit, Revert=revert)

    @rule(hit=hits)
    def delete(self, hit: str) -> None:
        self.call("DeleteHIT", HITId=hit)

    @rule(minutes=st.sampled_from([1, 29, 31, 61, 119, 60 * 24 * 2]))
    def wait(self, minutes: int) -> None:
        self.emulator.clock.advance(timedelta(minutes=minutes))
        self.emulator.service.catch_up()

    @invariant()
    def books_add_up(self) -> None:
        books, sums = self.market.books, dict.fromkeys(("reward", "fee", "bonus", "bonus_fee", "hold", "release"), 0)
        for line in books.lines[1:]:
            assert line.micro > 0
            sums[line.kind] += line.micro
        spent = sums["reward"] + sums["fee"] + sums["bonus"] + sums["bonus_fee"]
        assert books.available >= 0
        assert books.paid == spent
        assert books.on_hold == sums["hold"] - sums["release"] - sums["reward"] - sums["fee"]
        assert books.available + books.on_hold + books.paid == 20_000_000
        assert sums["bonus"] == sum(bonus.micro for bonus in self.market.bonuses)

    @invariant()
    def every_cent_on_hold_belongs_to_a_place_or_to_unjudged_work(self) -> None:
        for hit in self.market.hits.values():
            assert hit.held == hit.cost * (hit.places + hit.pending)
        for work in self.market.assignments.values():
            assert work.held == (work.reward + work.fee if work.state == "Submitted" else 0)
        held = sum(found.held for found in (*self.market.hits.values(), *self.market.assignments.values()))
        assert self.market.books.on_hold == held

    @invariant()
    def what_is_approved_is_paid_once_and_nothing_else_is(self) -> None:
        paid = [line.assignment_id for line in self.market.books.lines if line.kind == "fee"]
        assert sorted(paid) == sorted(
            found.id for found in self.market.assignments.values() if found.state == "Approved"
        )

    @invariant()
    def states_and_counters_agree(self) -> None:
        for hit in self.market.hits.values():
            seen = hit.as_answer()
            assert hit.disposed or hit.expired == (hit.expiration <= self.market.clock.now())
            taken = hit.count("Accepted", "Submitted", "Approved", "Rejected")
            assert taken <= hit.max_assignments
            assert not (hit.created_with < 10 <= hit.max_assignments)
            assert (seen["HITStatus"] == "Assignable") == (seen["NumberOfAssignmentsAvailable"] > 0)
            if seen["HITStatus"] in ("Reviewable", "Reviewing", "Disposed"):
                assert seen["NumberOfAssignmentsPending"] == 0
            if seen["HITStatus"] == "Disposed":
                assert hit.count("Submitted") == 0


def test_the_books_add_up_whatever_happens() -> None:
    run_state_machine_as_test(Life, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
