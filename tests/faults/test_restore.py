"""A restore of etcd that is cut off, again and again: no law breaks on the way, and the next one heals."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from operate import recovery
from operate.messages import OperateError
from sim.apart import PROCESSES
from sim.machines.service import DATA
from sim.world import Fault
from tests.faults import judge, killer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkServerProcess

    from operate.engine import Place
    from sim.site import Site
    from tests.faults.judge import Scene
    from tests.faults.sites import Kept

pytestmark = pytest.mark.engine

SERVERS = ("s1", "s2", "s3")
LOOK_SECONDS = 0.1
Words = dict[str, str]


def _work(connection: Connection, environment: Mapping[str, str], place: Place, verb: str, words: Words) -> None:
    os.environ.clear()
    os.environ.update(environment)
    said = ""
    try:
        with redirect_stdout(StringIO()):
            getattr(recovery, verb)(place, words)
    except OperateError as error:
        said = str(error)
    connection.send(said)


class Call:
    """`make snapshot` or `make restore` in a process of its own, which can be killed meanwhile."""

    def __init__(self, made: Site, verb: str, **words: str) -> None:
        self._ours, theirs = PROCESSES.Pipe(duplex=False)
        arguments = (theirs, dict(os.environ), made.stage.place, verb, words)
        self._process: ForkServerProcess = PROCESSES.Process(target=_work, args=arguments)
        self._process.start()
        theirs.close()

    def end(self) -> str:
        """Wait for it; the error, or nothing."""
        said: str = self._ours.recv()
        self._process.join()
        return said


def lose(made: Site) -> None:
    """Take etcd's data away from every server."""
    for name in SERVERS:
        machine = made.stage.rack.by_name(name)
        assert machine is not None
        made.stage.rack.power(machine.spec.id, on=False)
        shutil.rmtree(made.stage.world.root / "machines" / machine.spec.id / "root" / DATA)
    for name in SERVERS:
        machine = made.stage.rack.by_name(name)
        assert machine is not None
        made.stage.rack.power(machine.spec.id, on=True)


def fill(made: Site, name: str, *, full: bool) -> None:
    """Fill a server's disk, or make room again."""
    machine = made.stage.rack.by_name(name)
    assert machine is not None
    made.stage.rack.fill(machine.spec.id, full=full)


def disk_full(name: str) -> Callable[[Site], str]:
    """A restore with a full disk; what it said."""

    def cut(made: Site) -> str:
        fill(made, name, full=True)
        said = Call(made, "restore", SNAPSHOT="latest", OVER="yes").end()
        fill(made, name, full=False)
        return said

    return cut


def disconnected(made: Site) -> str:
    """A restore whose connection dies as the first server begins; what it said."""
    made.stage.world.inject(Fault(machine="s1", step="systemd-run", kind="disconnect"))
    return Call(made, "restore", SNAPSHOT="latest", OVER="yes").end()


def killed(made: Site) -> str:
    """A restore that is killed while the last server joins; what it said."""
    made.stage.world.inject(Fault(machine="s3", step="systemctl start", kind="hang"))
    call = Call(made, "restore", SNAPSHOT="latest", OVER="yes")
    while any(fault["times"] for fault in made.stage.world.read("faults")["faults"]):
        time.sleep(LOOK_SECONDS)
    # The caller has the lowest number; what is below it is not to be spared by us.
    commands = (process for process, words in killer.processes(made).items() if killer.kind_of(words) == "command")
    os.kill(min(commands), signal.SIGKILL)
    return call.end()


CUTS: dict[str, tuple[Callable[[Site], str], str]] = {
    "the first server's disk is full": (disk_full("s1"), "sim: reset: failed: s1 could not restore it and said: "),
    "the connection dies": (disconnected, "sim: reset: failed: s1: "),
    "another server's disk is full": (disk_full("s2"), "sim: join: failed: s2: the step join failed and said: "),
    "the command is killed": (killed, "s2: join: is a member of the cluster of s1"),
}
"""What goes wrong, one after the other, and how the last words begin (a killed one's are those of before)."""


def laws(before: Scene, made: Site) -> list[str]:
    """What breaks a law, whenever one looks."""
    after = judge.look(made)
    return [
        *judge.other_disks_untouched(before, after, ()),
        *judge.formatted_at_most_once(before, after, ()),
        *judge.one_cluster(before, after),
        *judge.one_leader(after),
    ]


@pytest.mark.parametrize("site", ["trio"], ids=["from the data of no server@trio"])
def test_a_restore_that_is_cut_off_breaks_no_law_and_the_next_one_heals(site: str, kept: Callable[[str], Kept]) -> None:
    with kept(site).again() as made:
        before = judge.look(made)
        assert Call(made, "snapshot", NAME="before").end() == ""
        lose(made)
        for what, (cut, said) in CUTS.items():
            assert (what, cut(made)[: len(said)]) == (what, said)
            assert (what, laws(before, made)) == (what, [])
        assert Call(made, "restore", SNAPSHOT="latest", OVER="yes").end() == ""
        after = judge.look(made)
        assert [*laws(before, made), *judge.healthy(after)] == []
        assert set(after.clusters) == set(before.clusters)
        assert {cluster["id"] for cluster in after.clusters.values()} == {
            cluster["id"] for cluster in before.clusters.values()
        }
