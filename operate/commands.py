"""Commands that take words beside the stack: what each takes and does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operate.actions import ACTIONS
from operate.kubeconfig import KUBECONFIG_WORDS, kubeconfig
from operate.onhost import RUN_WORDS, run
from operate.planned import PREVIEW_WORDS, preview
from operate.recovery import RESTORE_WORDS, SNAPSHOT_WORDS, restore, snapshot
from operate.rotate import ROTATE_WORDS, rotate
from operate.statecopy import RECALL_WORDS, recall
from operate.watching import STATUS_WORDS, status
from operate.words import read_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from operate.engine import Place


@dataclass(frozen=True, kw_only=True)
class Command:
    """One of them."""

    run: Callable[[Place, Mapping[str, str]], int]
    takes: Mapping[str, str]
    """Meaning of each word, by its name."""


COMMANDS = {
    "kubeconfig": Command(run=kubeconfig, takes=KUBECONFIG_WORDS),
    "preview": Command(run=preview, takes=PREVIEW_WORDS),
    "recall": Command(run=recall, takes=RECALL_WORDS),
    "restore": Command(run=restore, takes=RESTORE_WORDS),
    "rotate": Command(run=rotate, takes=ROTATE_WORDS),
    "run": Command(run=run, takes=RUN_WORDS),
    "status": Command(run=status, takes=STATUS_WORDS),
    "snapshot": Command(run=snapshot, takes=SNAPSHOT_WORDS),
}

VERBS = tuple(dict.fromkeys((*ACTIONS, *COMMANDS)))


def act(verb: str, place: Place, words: Sequence[str]) -> int:
    """Do a verb; raises OperateError for words that it does not take."""
    if verb in COMMANDS:
        return COMMANDS[verb].run(place, read_words(verb, words, COMMANDS[verb].takes))
    read_words(verb, words, {})
    return ACTIONS[verb](place)
