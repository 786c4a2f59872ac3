"""Ask a forge about an item where what is kept does not say it: once for all items of a repository, and once a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from ..errors import ForgeError
from ..processes.locks import held
from ..storage.hashing import hash_of
from .search import Answer, Asking, Question

if TYPE_CHECKING:
    from ..processes.progress import Report
    from .cache import Kept
    from .client import Client, Place


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked: about which item, where, and the question itself."""

    item: str
    place: Place
    question: Question

    @property
    def where(self) -> str:
        return str(self.place)

    @property
    def hash(self) -> str:
        return _hash(self.question)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an item: the answer and when it was asked for; `unknown` says why it is not a recent one."""

    answer: Answer | None
    asked: float | None
    unknown: str
    state: str


def known(
    subject: Subject, *, client: Client, kept: Kept, others: Callable[[], Mapping[str, Question]], report: Report
) -> Known:
    """Return what the forge says, asking it where need be; `others` are the questions of items that it is asked about along with it.

    Nothing is raised: a forge that does not answer leaves the older answer, and the reason.
    """
    with held(kept.store.with_suffix(".lock"), busy=None):
        if not kept.failure(subject.where) and not kept.is_recent(subject.where, subject.item, subject.hash):
            report(f"asking {subject.place.host} about {subject.place.slug}")
            _ask(subject, client=client, kept=kept, others=others())
        return _told(subject, kept)


def _ask(subject: Subject, *, client: Client, kept: Kept, others: Mapping[str, Question]) -> None:
    late = {
        item: question for item, question in others.items() if not kept.is_recent(subject.where, item, _hash(question))
    }
    asked = {**late, subject.item: subject.question}
    try:
        client.demand_login(subject.where)
        answers = Asking(client, subject.place, asked).answers()
    except ForgeError as error:
        kept.fail(subject.where, error.what, error.hint)
    else:
        kept.keep(subject.where, {item: (_hash(asked[item]), answer.dumped()) for item, answer in answers.items()})


def _told(subject: Subject, kept: Kept) -> Known:
    failure, found = kept.failure(subject.where), kept.answer(subject.where, subject.item, subject.hash)
    unknown = f"{failure['what']}; {failure['now']}" if failure else ""
    state = kept.state(subject.where, subject.item) or ""
    if found is None:
        return Known(None, None, unknown, state)
    return Known(Answer.loaded(found[0]), found[1], unknown, state)


def _hash(question: Question) -> str:
    return hash_of(asdict(question))
