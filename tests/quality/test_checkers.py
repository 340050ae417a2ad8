"""Who checks like the others."""

import pytest

from curation.models import Annotation, Asset, Consensus
from curation.services.quality_facts.checkers import checkers_of
from tests import scenes

pytestmark = pytest.mark.django_db
VOTES = {"Ann": "good", "Ben": "good", "Cleo": "bad"}


def test_votes_are_compared_with_the_decision_and_ties_do_not_count():
    world = scenes.project()
    stage = world.stages.get(kind="validate")
    people = {name: scenes.worker(name).pk for name in VOTES}
    answer = 0
    for n in range(30):
        asset = Asset.objects.create(project=world, stage=stage, sha256=b"%032d" % n, storage_key=f"{n}.jpg")
        status = Consensus.Status.LABEL if n < 29 else Consensus.Status.UNDECIDED
        label = "good" if n < 29 else ""
        Consensus.objects.create(
            project_id=world.pk, asset=asset, stage=stage, status=status, label=label, confidence=0.9, n_answers=3
        )
        for name, said in VOTES.items():
            answer += 1
            Annotation.objects.create(
                project_id=world.pk,
                asset=asset,
                stage=stage,
                answer_id=answer,
                worker_id=people[name],
                kind=Annotation.Kind.LABEL,
                label="good" if name == "Cleo" and n % 2 else said,
            )
    found = checkers_of(stage)
    assert (found[people["Ann"]].right.hits, found[people["Ann"]].right.n) == (29, 29)
    assert found[people["Cleo"]].right.hits == 14
    assert [name for name, pk in people.items() if found[pk].is_careless] == ["Cleo"]
