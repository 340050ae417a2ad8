"""What photos really show, and what was done to them: told apart from the product, kept in memory for a while."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from crowd.rehearsal.models import HiddenTruth, PlayedTrick
from crowd.rehearsal.pictures import Truth

MOST = 20_000
_known: OrderedDict[bytes, Truth] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Secret:
    """The truth about a file, and the trick that was played with it in an answer, if any."""

    sha256: bytes
    truth: Truth
    answer_id: int
    trick: str | None


def write(secrets: Sequence[Secret]) -> None:
    """Store what is not known yet."""
    truths = [HiddenTruth(sha256=one.sha256, truth=one.truth.to_json()) for one in secrets]
    tricks = [PlayedTrick(answer_id=one.answer_id, trick=one.trick) for one in secrets if one.trick]
    HiddenTruth.objects.bulk_create(truths, ignore_conflicts=True)
    PlayedTrick.objects.bulk_create(tricks)


@dataclass(slots=True)
class Secrets:
    """What several people did, written together."""

    _kept: list[Secret] = field(default_factory=list)

    def keep(self, secret: Secret) -> None:
        _remember(secret.sha256, secret.truth)
        self._kept.append(secret)

    def write(self) -> None:
        write(self._kept)
        self._kept.clear()


def truth_of(sha256: bytes) -> Truth:
    """Return the truth about a file; that of a file never changes. Raises HiddenTruth.DoesNotExist."""
    if sha256 not in _known:
        _remember(sha256, Truth.from_json(HiddenTruth.objects.get(sha256=sha256).truth))
    return _known[sha256]


def truths_of(digests: Collection[bytes]) -> dict[bytes, Truth]:
    """Return the truths about files, of those that have one."""
    found = {digest: _known[digest] for digest in digests if digest in _known}
    others = HiddenTruth.objects.filter(sha256__in=[digest for digest in digests if digest not in found])
    for row in others if len(found) < len(digests) else ():
        found[bytes(row.sha256)] = Truth.from_json(row.truth)
        _remember(bytes(row.sha256), found[bytes(row.sha256)])
    return found


def _remember(sha256: bytes, truth: Truth) -> None:
    _known[sha256] = truth
    if len(_known) > MOST:
        _known.popitem(last=False)
