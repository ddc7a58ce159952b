"""The simulated world on disk: JSON documents, an event log and faults, shared by several processes.

It knows nothing of machines, clouds or clusters: their meaning lives with those who write the documents.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

ENVIRONMENT = "NIXFLEET_SIM"
"""Environment variable that names the world's root folder to plugins and tools."""

Json: TypeAlias = Any
"""What a JSON document holds, where its shape is known to its reader only."""

FaultKind = Literal["fail", "hang", "disconnect", "slow", "reboot", "power", "rate", "error", "deaf", "shut"]

SLOW_SECONDS = 3.0
"""How much longer a slow step takes."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One step of one machine that goes wrong."""

    machine: str
    """Name of the machine (or of the cloud); `*` is any."""

    step: str
    """The step's first words: `systemctl show` hits `systemctl show nixfleet-switch -p Result`."""

    kind: FaultKind
    """What happens to the step.

    `fail`: it ends with an error, of a cloud: it has no resources; `hang`: it never ends; `disconnect`: its connection
    dies and the work goes on; `slow`: it takes some seconds more. Of machines: `reboot`, and `power`, which is gone
    until somebody switches it on. Of clouds: `rate`, too many requests, and `error`, the API itself is broken.
    Of activations: `deaf`, only SIGKILL ends it, and `shut`: it takes sshd away.
    """

    times: int = 1
    """How often it happens before the step works again."""

    def hits(self, machine: str, step: str) -> bool:
        """Whether this fault is meant for that step of that machine."""
        return self.machine in ("*", machine) and f"{step} ".startswith(f"{self.step} ")


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in the world."""

    machine: str
    step: str
    detail: str
    at: float
    """Seconds since 1970, for people; the order of events is the order of the log."""


class World:
    """A folder with everything that is simulated. Documents are named by their path below it, without `.json`."""

    def __init__(self, root: Path) -> None:
        """The world in that folder, which is made if it is not there."""
        self.root = root.absolute()
        self.root.mkdir(parents=True, exist_ok=True)

    @classmethod
    def from_environment(cls) -> World:
        """The world that the environment names; raises LookupError without one."""
        root = os.environ.get(ENVIRONMENT)
        if not root:
            raise LookupError(f"{ENVIRONMENT} is not set: it names the folder of the simulated world; set it")
        return cls(Path(root))

    def path(self, name: str) -> Path:
        """Where a document is."""
        return self.root / f"{name}.json"

    def names(self, folder: str) -> tuple[str, ...]:
        """Names of the documents directly in `folder`, sorted."""
        return tuple(sorted(f"{folder}/{path.stem}" for path in (self.root / folder).glob("*.json")))

    def read(self, name: str) -> Json:
        """A document as it is now; an absent one is an empty dict. Writers replace it whole, so no lock is needed."""
        try:
            return json.loads(self.path(name).read_bytes())
        except FileNotFoundError:
            return {}

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold a document's lock, against other threads as well; never take one document's lock twice."""
        path = self.root / ".locks" / name.replace("/", "+")
        path.parent.mkdir(exist_ok=True)
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextmanager
    def edit(self, name: str) -> Iterator[dict[str, Any]]:
        """Change a document under its lock; nothing is written if the block raises or changes nothing."""
        with self.lock(name):
            try:
                before = self.path(name).read_text()
            except FileNotFoundError:
                before = "{}"
            document: dict[str, Any] = json.loads(before)
            yield document
            if (after := json.dumps(document)) != before:
                self._replace(name, after)

    def write(self, name: str, document: dict[str, Any]) -> None:
        """Replace a document whatever it was."""
        with self.lock(name):
            self._replace(name, json.dumps(document))

    def remove(self, name: str) -> None:
        """Delete a document; an absent one is no error."""
        with self.lock(name):
            self.path(name).unlink(missing_ok=True)

    def _replace(self, name: str, text: str) -> None:
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        # Documents hold simulated private keys: for the owner only, like the real ones.
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
            # On one line: with indentation the encoder takes ten times as long, and a cluster's document is large.
            handle.write(text)
        draft.replace(path)

    def record(self, machine: str, step: str, detail: str = "") -> None:
        """Note an event; one write of one line, so lines of several processes do not mix."""
        line = json.dumps({"machine": machine, "step": step, "detail": detail, "at": time.time()})
        with (self.root / "events.jsonl").open("a") as log:
            log.write(line + "\n")

    def events(self, machine: str | None = None, step: str | None = None) -> tuple[Event, ...]:
        """All events in order, of one machine and of one step (by its first words) if they are given."""
        log = self.root / "events.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        found = (Event(**json.loads(line)) for line in lines)
        return tuple(
            event
            for event in found
            if (machine is None or event.machine == machine)
            and (step is None or f"{event.step} ".startswith(f"{step} "))
        )

    def inject(self, fault: Fault) -> None:
        """Let a step go wrong from now on."""
        with self.edit("faults") as document:
            document.setdefault("faults", []).append(asdict(fault))

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self.remove("faults")

    def fault(self, machine: str, step: str) -> FaultKind | None:
        """What goes wrong at this step now, if anything; the one who asks makes it happen. Counts as one time."""
        if not self.path("faults").exists():
            return None
        with self.edit("faults") as document:
            for entry in document.get("faults", []):
                fault = Fault(**entry)
                if fault.times > 0 and fault.hits(machine, step):
                    entry["times"] -= 1
                    self.record(machine, "fault", f"{fault.kind}: {step}")
                    return fault.kind
        return None
