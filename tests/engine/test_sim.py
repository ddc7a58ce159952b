"""The fleet on the real engine: brought up from nothing once, then changed in every way that must not touch a disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from fleet.inventory import key_fingerprint
from operate.actions import judged
from operate.engine import ROOT, run
from operate.messages import OperateError
from operate.planned import preview
from operate.public import PASSPHRASES
from operate.report import stack_outputs
from sim.site import Site, config_of_stack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from operate.engine import Place
    from operate.record import Run

    Edit = Callable[[dict[str, Any]], object]

pytestmark = pytest.mark.engine

HOSTS = ("hcloud-1", "hcloud-2", "hcloud-3", "jetson-1", "n100-1", "ovh-1")
BOARDS = ("jetson-1", "n100-1")
ALL_SYSTEMS = {("update", f"{host}-system") for host in HOSTS}
OLD_KEY: str = config_of_stack("sim")["nixfleet:fleet"]["users"]["ada"]["keys"]["laptop"]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDIhz2GK/XCUj4i6Q5yQJNL1MKMY0RxzPV2QrBqfHrDq ada@laptop"


def key_name(key: str) -> str:
    return f"hetzner-key-{key_fingerprint(key)}"


def steps(done: Run) -> set[tuple[str, str]]:
    """What a run did to resources, as the engine's word and the resource's name; a replacement is one step."""
    assert done.ok, done.errors
    real = [step for step in done.changes if not step.type.startswith(("nixfleet:", "pulumi:"))]
    return {(step.op, step.name) for step in real if step.op in {"create", "update", "delete", "replace"}}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A stack `sim` that is up, with what its first preview and its first up said in `first`."""
    made = Site.of_stack(tmp_path_factory.mktemp("sim"), "sim")
    with made.powered():
        foretold = made.preview()
        up = made.up()
        assert up.run.ok, up.run.errors
        made.first = (foretold, up)  # type: ignore[attr-defined]  # carried along for the tests of the beginning
        yield made


class TestBeginning:
    def test_a_preview_of_a_stack_that_does_not_exist_yet_touches_nothing(self, site: Site) -> None:
        foretold, up = site.first  # type: ignore[attr-defined]  # the fixture's
        assert {op for op, _ in steps(foretold.run)} == {"create"}
        assert (foretold.connections, foretold.commands) == (0, ())
        assert steps(foretold.run) == steps(up.run)

    def test_every_host_is_installed_and_switched_once(self, site: Site) -> None:
        _, up = site.first  # type: ignore[attr-defined]  # the fixture's
        for host in HOSTS:
            assert up.commands.count(f"create {host}-install") == 1
            assert up.commands.count(f"create {host}-system") == 1

    def test_an_unchanged_up_runs_no_command_and_opens_no_connection(self, site: Site) -> None:
        again = site.up()
        assert steps(again.run) == set()
        assert (again.connections, again.commands) == (0, ())


def new_key(fleet: dict[str, Any]) -> None:
    fleet["users"]["ada"]["keys"]["laptop"] = KEY


def wider(fleet: dict[str, Any]) -> None:
    fleet["firewall"]["adminRanges"] = ["192.0.2.0/24", "198.51.100.0/24"]


def other_multus(fleet: dict[str, Any]) -> None:
    fleet.setdefault("addons", {}).setdefault("multus", {})["version"] = "v4.2.4"


def other_values(fleet: dict[str, Any]) -> None:
    fleet.setdefault("addons", {}).setdefault("kyverno", {})["values"] = {"features": {"logging": {"verbosity": 4}}}


def labelled(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["labels"] = {"example.net/shelf": "two"}


def other_type(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["hcloud-2"]["serverType"] = "ccx13"


def tuned(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["tuning"] = {"zramPercent": 50}


def again(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["reinstall"] = "n100-1@again"


def reordered(fleet: dict[str, Any]) -> None:
    fleet["hosts"] = dict(reversed(fleet["hosts"].items()))
    fleet["users"] = dict(reversed(fleet["users"].items()))


def grown(fleet: dict[str, Any]) -> None:
    server = fleet["hosts"]["hcloud-1"]
    fleet["hosts"]["a-worker"] = {
        **server,
        "role": "agent",
        "address": "10.90.0.14",
        "privateAddress": "10.20.0.14",
    }


class TestPublicPreview:
    """What a pull request sees: neither passphrase nor private halves, and the state as its backend has it."""

    @pytest.fixture
    def public(
        self, site: Site, edited: Callable[[Edit], Site], monkeypatch: pytest.MonkeyPatch
    ) -> Callable[[Edit | None], Place]:
        for name in PASSPHRASES:
            monkeypatch.delenv(name, raising=False)

        def place(edit: Edit | None = None) -> Place:
            if edit:
                edited(edit)
            file = site.stage.place.stack_file
            document = yaml.safe_load(file.read_text())
            config = {key: value for key, value in document["config"].items() if "secure" not in value}
            assert len(config) < len(document["config"])
            file.write_text(yaml.safe_dump({"config": config}))
            kept = {name: value for name, value in site.stage.place.environment.items() if "PASSPHRASE" not in name}
            return replace(site.stage.place, environment=kept)

        return place

    def test_it_says_what_a_preview_with_all_keys_says(
        self, site: Site, public: Callable[..., Place], edited: Callable[[Edit], Site]
    ) -> None:
        known = steps(edited(tuned).preview().run)
        before = site.stage.place.stack_file.read_bytes()
        assert steps(run("preview", public(None))) == known == {("update", "n100-1-system")}
        site.stage.place.stack_file.write_bytes(before)

    def test_a_state_that_cannot_be_read_is_said_and_everything_is_new(
        self, public: Callable[..., Place], tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        place = public(None)
        nowhere = {**place.environment, "PULUMI_BACKEND_URL": (tmp_path / "no-state").as_uri()}
        done = run("preview", replace(place, environment=nowhere))
        assert {op for op, _ in steps(done)} == {"create"}
        said = "warning: The state of stack sim cannot be read here, so everything counts as new: "
        assert said in capfd.readouterr().err

    def test_up_is_refused_as_ever(self, public: Callable[..., Place]) -> None:
        place = public(None)
        done = run("up", place)
        assert (done.ok, done.changes) == (False, ())


CHANGES: dict[str, tuple[Edit, set[tuple[str, str]]]] = {
    "a user's key": (new_key, {("create", key_name(KEY)), ("delete", key_name(OLD_KEY)), *ALL_SYSTEMS}),
    "an admin range": (wider, {("update", "hetzner-firewall"), *ALL_SYSTEMS}),
    "a chart's values": (other_values, {("update", "kyverno-release")}),
    # The cluster's own test tries a second network again.
    "an add-on's version": (other_multus, {("update", "multus-thick-daemon"), ("replace", "smoke-test-network")}),
    "a label": (labelled, {("update", "nodes-n100-1"), ("update", "n100-1-system")}),
    "a server's type": (other_type, {("update", "hcloud-2-server"), ("update", "fleet-transition")}),
    "a host's option": (tuned, {("update", "n100-1-system")}),
    "a one-shot token": (
        again,
        {
            ("replace", "n100-1-install"),
            ("update", "fleet-transition"),
            ("update", "n100-1-system"),
            ("update", "nodes-n100-1"),
        },
    ),
    "the order of hosts": (reordered, set()),
    "a host more": (
        grown,
        {
            ("create", "a-worker-attachment"),
            ("create", "a-worker-install"),
            ("create", "a-worker-membership"),
            ("create", "a-worker-server"),
            ("create", "a-worker-system"),
            ("create", "hetzner-group-agents-fsn1-10-90-0-10"),
            ("create", "nodes-a-worker"),
            ("replace", "fleet-peers"),
            ("update", "fleet-mesh"),
            ("update", "fleet-transition"),
        },
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_touches_exactly_what_it_must(edited: Callable[[Edit], Site], change: str) -> None:
    edit, wanted = CHANGES[change]
    changed = edited(edit)
    foretold = changed.preview()
    assert steps(foretold.run) == wanted
    assert judged(foretold.run, changed.stage.place) == ()
    assert (foretold.connections, foretold.commands) == (0, ())


def test_what_somebody_changed_in_a_cloud_is_drift_and_nothing_else_is(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a page too, with the engine's operation on it; the state stays as it was."""
    place, page = site.stage.place, tmp_path / "plan.html"
    with site.powered():
        assert preview(place, {"DRIFT": "yes"}) == 0
        with site.stage.world.edit("clouds/hcloud") as cloud:
            server = next(one for one in cloud["objects"]["Server"].values() if one["name"] == "hcloud-1")
            labels, server["labels"] = server["labels"], {"role": "drifted"}
        assert preview(place, {}) == 0
        assert preview(place, {"DRIFT": "yes", "HTML": str(page), "BASE": "-"}) == 7
        with site.stage.world.edit("clouds/hcloud") as cloud:
            next(one for one in cloud["objects"]["Server"].values() if one["name"] == "hcloud-1")["labels"] = labels
        assert preview(place, {"DRIFT": "yes"}) == 0
    assert "preview of sim: 1 update" in capsys.readouterr().out
    assert "<code>hcloud-1-server</code>" in page.read_text(encoding="utf-8")


def test_a_changed_option_runs_exactly_that_hosts_switch(edited: Callable[[Edit], Site], site: Site) -> None:
    done = edited(tuned).up()
    assert steps(done.run) == {("update", "n100-1-system")}
    assert done.commands == ("update n100-1-system",)
    site.change(lambda fleet: fleet["hosts"]["n100-1"].pop("tuning"))
    assert site.up().commands == ("update n100-1-system",)


def test_a_changed_chart_version_updates_its_releases_and_runs_no_command(
    edited: Callable[[Edit], Site], site: Site
) -> None:
    def older(fleet: dict[str, Any]) -> None:
        fleet.setdefault("addons", {}).setdefault("kyverno", {})["version"] = "3.8.2"

    # The cluster's own test sees a violation reported again.
    releases = {("update", "kyverno-release"), ("update", "policies-baseline"), ("replace", "smoke-test-policy")}
    foretold, done = edited(older).preview(), site.up()
    assert steps(foretold.run) == steps(done.run) == releases
    assert (done.connections, done.commands) == (0, ())
    site.change(lambda fleet: fleet["addons"]["kyverno"].pop("version"))
    back = site.up()
    assert (steps(back.run), back.commands) == (releases, ())


def test_a_token_installs_its_host_once_and_no_other_one(edited: Callable[[Edit], Site], site: Site) -> None:
    before = contents(site, HOSTS)
    done = edited(again).up()
    assert steps(done.run) == CHANGES["a one-shot token"][1]
    assert done.commands == ("update fleet-transition", "create n100-1-install", "update n100-1-system")
    after = contents(site, HOSTS)
    assert {host for host in HOSTS if after[host] != before[host]} == {"n100-1"}
    found = node(site, "n100-1")
    assert found["status"]["conditions"][0]["status"] == "True"
    # The node is another one, and it has its labels again.
    assert {"node-role.kubernetes.io/agent", "node.longhorn.io/create-default-disk"} <= set(found["metadata"]["labels"])
    same = site.up()
    assert (steps(same.run), same.connections, same.commands) == (set(), 0, ())
    assert contents(site, HOSTS) == after
    # Without the token it is the same installation: asked for, found, and left.
    site.change(lambda fleet: fleet["hosts"]["n100-1"].pop("reinstall"))
    assert site.up().commands == ("update fleet-transition", "create n100-1-install", "update n100-1-system")
    assert contents(site, HOSTS) == after


FIXED = "it is a fact of the installation"
FORMATS = "set it back, or add reinstall: n100-1@<anything new> (this formats the disk)"


def two_tokens(fleet: dict[str, Any]) -> None:
    for name in ("n100-1", "ovh-1"):
        fleet["hosts"][name]["reinstall"] = f"{name}@1"


def other_layout(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["disk"]["layout"] = "n100-zfs"


def other_address(fleet: dict[str, Any]) -> None:
    fleet["hosts"]["n100-1"]["address"] = "10.90.0.22"


JUDGED: dict[str, tuple[Edit, str]] = {
    "two tokens": (
        two_tokens,
        (
            "hosts: new reinstall tokens of n100-1, ovh-1: each of them keeps replicas of Longhorn, and copies of one "
            "volume may lie on all of them; leave one token in, run up, wait until no volume is degraded, "
            "then go on with the next"
        ),
    ),
    "another layout": (
        other_layout,
        (
            f"hosts.n100-1.disk.layout: n100-standard -> n100-zfs: {FIXED}: "
            f"the system mounts what the disk was made into; {FORMATS}"
        ),
    ),
    "another address": (
        other_address,
        f"hosts.n100-1.address: 10.90.0.21 -> 10.90.0.22: {FIXED}: etcd and other nodes know the host by it; {FORMATS}",
    ),
}


@pytest.mark.parametrize("case", JUDGED)
def test_what_would_cost_replicas_or_a_root_is_refused_before_the_engine_starts(
    edited: Callable[[Edit], Site], site: Site, case: str
) -> None:
    edit, fault = JUDGED[case]
    before = contents(site, HOSTS)
    with pytest.raises(OperateError) as refused:
        edited(edit).up()
    assert str(refused.value) == f"nothing was begun: the change of stack sim has 1 fault:\n  {fault}"
    assert contents(site, HOSTS) == before


def test_a_host_more_is_installed_and_no_other_one(edited: Callable[[Edit], Site], site: Site) -> None:
    before = contents(site, HOSTS)
    done = edited(grown).up()
    assert steps(done.run) == CHANGES["a host more"][1]
    assert sorted(done.commands) == [
        "create a-worker-install",
        "create a-worker-membership",
        "create a-worker-system",
        "create fleet-peers",
        "delete fleet-peers",
        "update fleet-mesh",
        "update fleet-transition",
    ]
    assert contents(site, HOSTS) == before


def node(site: Site, host: str) -> dict[str, Any]:
    """A node, as the cluster knows it."""
    (name,) = site.stage.world.names("clusters")
    found: dict[str, Any] = site.stage.world.read(name)["nodes"][host]
    return found


def contents(site: Site, hosts: tuple[str, ...]) -> dict[str, list[str]]:
    """Content stamps of the hosts' disks: another one is a format."""
    machines = {machine.spec.name: machine for machine in site.stage.rack.machines()}
    return {host: [disk.content for disk in machines[host].disks] for host in hosts}


def newer_fleet(place: Place, folder: Path) -> Place:
    """A stack that exports what a later release might."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text("name: newer\nruntime: python\n")
    (folder / "Pulumi.sim.yaml").write_text("{}\n")
    program = folder / "__main__.py"
    program.write_text('import pulumi\npulumi.export("fleet", {"version": 2})\npulumi.export("kubeconfig", "")\n')
    return replace(place, folder=folder, program=program)


class TestConsumer:
    @pytest.fixture
    def consumer(self, site: Site, tmp_path: Path) -> Place:
        """The example, on the same backend as the fleet."""
        folder = tmp_path / "consumer"
        shutil.copytree(ROOT / "examples/consumer", folder)
        return replace(site.stage.place, folder=folder, program=folder / "__main__.py")

    def test_it_uses_the_cluster_through_what_the_fleet_exports(self, site: Site, consumer: Place) -> None:
        with site.powered():
            done = run("up", consumer)
            assert ("create", "agents") in steps(done)
            assert done.outputs["endpoint"] == "https://api.sim.example.net:6443"
            assert run("destroy", consumer).ok

    def test_it_fails_clearly_on_a_version_that_it_does_not_know(
        self, site: Site, consumer: Place, tmp_path: Path
    ) -> None:
        with site.powered():
            assert run("up", newer_fleet(consumer, tmp_path / "newer")).ok
            config = consumer.stack_file.read_text().replace("/nixfleet/", "/newer/")
            consumer.stack_file.write_text(config)
            done = run("preview", consumer)
        assert not done.ok
        said = "\n".join(done.errors)
        assert "fleet.version: 2: this program knows version 1 of a fleet's outputs" in said
        assert "Traceback" not in said

    def test_outputs_are_the_model_and_the_credential_is_secret(self, site: Site) -> None:
        done = site.up().run
        exported = stack_outputs(done)
        assert exported
        assert set(HOSTS) <= set(exported.hosts)
        assert done.secret_outputs == {"kubeconfig"}


def secrets(site: Site) -> dict[str, str]:
    """Pieces of every secret of the site, by what they are of."""
    ring = site.ring
    found = {"server token": ring.cluster.server_token, "agent token": ring.cluster.agent_token}
    for name, keys in ring.hosts.items():
        found[f"wireguard key of {name}"] = keys.wireguard_key
        found[f"host key of {name}"] = keys.host_key.splitlines()[3]
    found["deploy key"] = ring.cluster.deploy_key.splitlines()[3]
    return found


def test_no_secret_is_in_clear_in_state_logs_contract_or_user_data(site: Site) -> None:
    base = site.stage.base
    # Machines and clusters are the inside of hosts, which have their secrets; everything else must not.
    inside = {base / "world/machines", base / "world/clusters"}
    files = [path for path in base.rglob("*") if path.is_file() and not inside & set(path.parents)]
    assert any(path.suffix == ".json" and "stacks" in path.parts for path in files)
    leaks = [
        f"{what} in {path.relative_to(base)}"
        for path in files
        for what, text in secrets(site).items()
        if text.encode() in path.read_bytes()
    ]
    assert leaks == []


def test_destroy_leaves_the_clouds_empty_and_boards_as_they_are(site: Site) -> None:
    before = contents(site, BOARDS)
    done = site.destroy()
    assert done.run.ok, done.run.errors
    for cloud in ("hcloud", "ovh"):
        objects = site.stage.world.read(f"clouds/{cloud}")["objects"]
        assert {noun: found for noun, found in objects.items() if found} == {}
    assert contents(site, BOARDS) == before
    assert not any(command.startswith("delete") for command in done.commands)
