"""Members of a project: somebody always leads it."""

import pytest

from crowd.errors import CrowdError
from curation.models import Membership
from curation.services import people
from tests.crowd import market
from tests.engine import world

pytestmark = pytest.mark.django_db
Role = Membership.Role


@pytest.fixture
def project():
    return world.drafted()


def member(project, name: str, role: str) -> Membership:
    return people.add_member(project=project, email=f"{name}@example.org", role=role, by=None)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.VIEWER])
def test_the_last_lead_cannot_take_a_smaller_role(project, role):
    member(project, "alice", Role.LEAD)
    with pytest.raises(CrowdError, match="The last lead cannot take a smaller role"):
        member(project, "alice", role)
    member(project, "rita", Role.LEAD)
    assert member(project, "alice", role).role == role


def test_the_last_lead_cannot_be_removed(project):
    alice = member(project, "alice", Role.LEAD)
    with pytest.raises(CrowdError, match="The last lead cannot be removed"):
        people.remove_member(membership_id=alice.pk, project=project, by=alice.user)


@pytest.mark.django_db(transaction=True)
def test_of_two_leads_who_leave_at_once_one_stays():
    project = world.drafted()
    leads = [member(project, name, Role.LEAD) for name in ("alice", "rita")]
    market.at_once(lambda one: people.remove_member(membership_id=one.pk, project=project, by=one.user), leads)
    assert Membership.objects.filter(project=project, role=Role.LEAD).count() == 1


@pytest.mark.parametrize(
    ("email", "role", "sentence"),
    [
        ("alice", Role.LEAD, "is not an e-mail address"),
        ("alice@example.org", "boss", "roles are lead, reviewer, viewer"),
    ],
)
def test_a_wrong_invitation_is_refused(project, email, role, sentence):
    with pytest.raises(CrowdError, match=sentence):
        people.add_member(project=project, email=email, role=role, by=None)
    assert not Membership.objects.exists()
