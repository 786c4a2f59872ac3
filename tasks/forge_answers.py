"""Ask a forge about an item where what is kept does not say it: once for all items of a repository, and once a run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from .errors import ForgeError
from .files import hash_of
from .forge_questions import Answer, Asking, Question
from .locks import held

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from .forge import Client, Place
    from .forge_kept import Kept
    from .progress import Report

Questions = dict[str, Question]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an item: the answer and when it was asked for; `unknown` says why it is not a recent one."""

    answer: Answer | None
    asked: float | None
    unknown: str
    state: str


def known(item: str, place: Place, *, client: Client, kept: Kept, questions: Callable[[], Mapping[str, Question]], report: Report) -> Known:
    """Give what the forge says of an item, asking it where need be; `questions` are those of all items that it may be asked about.

    Nothing is raised: a forge that does not answer leaves the older answer, and the reason.
    """
    with held(lock_of(kept.store), busy=None):
        if kept.state(str(place), item) is None or not kept.failure(str(place)):
            _ask(item, place, client=client, kept=kept, questions=dict(questions()), report=report)
        return _told(item, place, kept, questions)


def lock_of(store: Path) -> Path:
    return store.with_suffix(".lock")


def _ask(item: str, place: Place, *, client: Client, kept: Kept, questions: Questions, report: Report) -> None:
    pending = {each: question for each, question in questions.items() if not kept.is_recent(str(place), each, _hash(question))}
    if item not in pending:
        return
    report(f"asking {place.host} about {place.slug}")
    try:
        client.demand_login(str(place))
        answers = Asking(client, place, pending).answers()
    except ForgeError as error:
        kept.fail(str(place), error.what, error.now)
    else:
        kept.keep(str(place), {each: (_hash(pending[each]), answer.dumped()) for each, answer in answers.items()})


def _told(item: str, place: Place, kept: Kept, questions: Callable[[], Mapping[str, Question]]) -> Known:
    failure, older = kept.failure(str(place)), kept.answer(str(place), item, _hash(questions()[item]))
    unknown = f"{failure['what']}; {failure['now']}" if failure else ""
    state = kept.state(str(place), item) or ""
    if older is None:
        return Known(None, None, unknown or "the forge was not asked about this", state)
    return Known(Answer.loaded(older[0]), older[1], unknown, state)


def _hash(question: Question) -> str:
    return hash_of(asdict(question))
