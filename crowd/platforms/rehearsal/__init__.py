"""The simulated crowd: the local market, worked by crowd.rehearsal.crowd instead of people. Nobody is paid."""

from crowd.models import Account
from crowd.platforms.base import Health
from crowd.platforms.local import LocalMarket
from crowd.rehearsal.models import RehearsalCrowd


class Rehearsal(LocalMarket):
    def check(self, account: Account) -> Health:
        crowd = RehearsalCrowd.objects.filter(account=account).first()
        if crowd is None:
            return Health(ok=False, sentence="This account has no simulated crowd yet.")
        return Health(ok=True, sentence=f"{crowd.population} simulated workers, {crowd.step} visits so far.")
