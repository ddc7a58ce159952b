"""The lease that a host keeps: one operator at a time, whoever dies, whatever the clock says."""

from __future__ import annotations

import os
import platform
import pwd
import re
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostops import lease, process
from hostops.journal import Journal
from hostops.lease import Leased, Leases
from hostops.ssh import NoAnswer, Reply
from tests.hostops.bench import Bench, bench, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.hostops.fakes import Fakes, Said

SEED, BOARD = "hcloud-1", "n100-1"
ANN = {"holder": "1", "place": "p", "alone": "no", "who": "ann@desk (install, process 1)"}
BOB = {"holder": "2", "place": "q", "alone": "yes", "who": "bob@home (switch, process 2)"}


def ask(fakes: Fakes, who: dict[str, str], at: int, act: str = "take") -> Said:
    """Ask a host for its lease, so many seconds after its boot."""
    fakes.write("proc/uptime", f"{at}.25 1.00\n")
    return fakes.run("lease", act=act, seconds="120", **who)


class TestScript:
    def test_a_host_has_one_holder_and_says_who_and_since_when(self, fakes: Fakes) -> None:
        assert ask(fakes, ANN, 1000).facts == {"boot_id": "boot-1", "was": "", "lease": "taken"}
        ask(fakes, ANN, 1030)
        told = {"by": ANN["who"], "age": "40", "heard": "10", "left": "110"}
        assert ask(fakes, BOB, 1040).facts == {"boot_id": "boot-1", **told, "lease": "held"}
        assert ask(fakes, ANN, 1050).facts["lease"] == "taken"

    def test_a_holder_that_is_silent_loses_it_by_the_clock_since_boot(self, fakes: Fakes) -> None:
        ask(fakes, ANN, 1000)
        assert ask(fakes, BOB, 1119).facts["lease"] == "held"
        assert ask(fakes, BOB, 1120).facts == {"boot_id": "boot-1", "was": ANN["who"], "lease": "taken"}
        assert ask(fakes, ANN, 1121).facts["lease"] == "held"

    def test_a_lease_of_another_boot_is_none(self, fakes: Fakes) -> None:
        ask(fakes, ANN, 90000)
        assert ask(fakes, BOB, 10).facts["lease"] == "taken"

    def test_only_its_holder_gives_it_back(self, fakes: Fakes) -> None:
        ask(fakes, ANN, 1000)
        assert ask(fakes, BOB, 1001, "drop").facts["lease"] == "dropped"
        assert ask(fakes, BOB, 1002).facts["lease"] == "held"
        ask(fakes, ANN, 1003, "drop")
        assert ask(fakes, BOB, 1004).facts == {"boot_id": "boot-1", "was": "", "lease": "taken"}

    def test_a_dead_run_s_lease_is_taken_over_by_its_own_machine_alone(self, fakes: Fakes) -> None:
        ask(fakes, ANN, 1000)
        assert ask(fakes, ANN | {"holder": "3"}, 1001).facts["lease"] == "held"
        again = ask(fakes, ANN | {"holder": "3", "alone": "yes"}, 1001)
        assert again.facts == {"boot_id": "boot-1", "was": ANN["who"], "lease": "taken"}

    def test_of_many_that_ask_at_once_one_gets_it(self, fakes: Fakes) -> None:
        fakes.write("proc/uptime", "1000.25 1.00\n")
        found: list[str] = []

        def take(number: int) -> None:
            said = fakes.run("lease", act="take", seconds="120", **{**BOB, "holder": str(number), "place": str(number)})
            found.append(said.facts["lease"])

        threads = [threading.Thread(target=take, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(found) == ["held"] * 11 + ["taken"]


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Bench]:
    """A server and a board; nothing is installed."""
    with bench(tmp_path, SEED, BOARD) as made:
        yield made


@pytest.fixture
def elsewhere() -> Iterator[dict[str, str]]:
    """Environment of an operator at another machine."""
    with tempfile.TemporaryDirectory(prefix="hb-", dir="/tmp") as folder:
        yield {"NIXFLEET_RUNTIME": folder}


def me(pid: int, verb: str) -> str:
    """How the host names this operator."""
    return f"{pwd.getpwuid(os.getuid()).pw_name}@{platform.node()} ({verb}, process {pid})"


class TestOperators:
    def test_a_second_operator_is_refused_with_holder_and_age_and_later_let_in(
        self, board: Bench, elsewhere: dict[str, str]
    ) -> None:
        board.fault(SEED, "nixos-anywhere disko", "hang")
        first = board.start("install", SEED)
        wait_for(lambda: board.events("nixos-anywhere disko") == 1)
        # By kexec it has become another system, whose memory knew of no lease.
        refused = board.run("install", SEED, **elsewhere)
        age = r"\(for \d+ s, last heard of \d+ s ago\)"
        cure = r"wait until that has ended, then run again; if it is dead, the host forgets it in 1[0-2]\d s"
        holder = f"{re.escape(me(first.pid, 'install'))} works on this host"
        line = f"hostops: {SEED}: lease: failed: {holder} {age}; nothing was changed; {cure}"
        assert refused.code == 3
        assert re.fullmatch(line, refused.last), refused.last
        assert board.events("format") == 0
        first.kill()
        first.communicate(timeout=20)
        assert board.run("install", SEED, **elsewhere).code == 3
        uptime = board.world.root / "machines" / board.machine(SEED).spec.id / "root/proc/uptime"
        later = float(Path("/proc/uptime").read_text().split()[0]) + lease.LEASE_SECONDS
        uptime.unlink()
        uptime.write_text(f"{later:.2f} 0.00\n")
        done = board.run("install", SEED, **elsewhere)
        assert done.code == 0, done.err
        assert done.err.startswith(
            f"hostops: {SEED}: lease: taken over from {me(first.pid, 'install')}, which has ended"
        )

    def test_a_run_that_ends_leaves_no_lease(self, board: Bench, elsewhere: dict[str, str]) -> None:
        board.installed(SEED)
        path = board.world.root / "machines" / board.machine(SEED).spec.id / "root/run/nixfleet/lease"
        assert not path.exists()
        switched = board.run("switch", SEED, **elsewhere)
        assert (switched.code, path.exists()) == (0, False), switched.err


class Host:
    """A line to a host that answers what a test says."""

    def __init__(self, *answers: dict[str, str] | NoAnswer) -> None:
        self.host, self.destination = "a", "root@192.0.2.1"
        self.answers = list(answers)
        self.texts: list[str] = []

    def twin(self) -> Host:
        """The same."""
        return self

    def drop(self) -> None:
        """Nothing to drop."""

    def send(self, text: str, *, seconds: float) -> Reply:
        """The next answer."""
        assert seconds
        self.texts.append(text)
        answer = self.answers.pop(0) if self.answers else {"lease": "dropped"}
        if isinstance(answer, NoAnswer):
            raise answer
        lines = "".join(f"{name}={value}\n" for name, value in answer.items())
        return Reply(status=0, output=lines, error="", key="final")


HELD = {"lease": "held", "by": "bob@home (switch, process 2)", "age": "9", "heard": "3", "left": "117"}
TAKEN = {"lease": "taken", "boot_id": "b-1"}


def leases(*hosts: str) -> Leases:
    """Leases of a run."""
    return Leases(hosts=frozenset(hosts), verb="switch", journal=Journal(), place="p", alone=True)


class TestLeases:
    def test_a_host_that_is_only_asked_keeps_no_lease(self) -> None:
        line = Host()
        with leases("b") as held:
            held.before(line)  # type: ignore[arg-type]  # a double
        assert line.texts == []

    def test_an_answer_of_something_else_is_no_lease(self) -> None:
        line = Host({"Please login as the user": "ubuntu"})
        with leases("a") as held, pytest.raises(NoAnswer) as caught:
            held.before(line)  # type: ignore[arg-type]  # a double
        assert (caught.value.login, "answered 'Please login" in caught.value.text) == (True, True)

    def test_a_lease_that_is_lost_ends_the_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lease, "RENEW_SECONDS", 0.01)
        stopped = threading.Event()
        monkeypatch.setattr(process, "stop", stopped.set)
        line = Host(TAKEN, TAKEN, NoAnswer("it boots"), HELD)
        text = (
            "bob@home (switch, process 2) works on this host (for 9 s, last heard of 3 s ago): "
            "this run was away for too long and has lost the host; run again"
        )
        held = leases("a")
        held.before(line)  # type: ignore[arg-type]  # a double
        assert stopped.wait(20)
        with pytest.raises(Leased, match=f"^{re.escape(text)}$"):
            held.__exit__(None, None, None)

    def test_a_host_that_booted_is_asked_again(self) -> None:
        line = Host(TAKEN, {"lease": "taken", "boot_id": "b-2"})
        with leases("a") as held:
            held.before(line)  # type: ignore[arg-type]  # a double
            held.notice("a", "b-1")
            held.before(line)  # type: ignore[arg-type]  # a double
            assert len(line.texts) == 1
            held.notice("a", "b-2")
            held.before(line)  # type: ignore[arg-type]  # a double
            assert len(line.texts) == 2
