"""The scripts that run on hosts, run for real: a folder stands for the machine, fakes for what needs one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.nix import toolbox

SCRIPTS = sorted(toolbox.TREE.rglob("*.sh"))
PREFLIGHT = "packages/nixfleet-preflight/preflight.sh"
STATUS = "packages/fleet-status/fleet-status.sh"
SEED = "modules/k3s/seed.sh"
VOLUME = "modules/disks/volume.sh"
MESH = "modules/network/mesh.sh"
MEDIUM = "iso/medium.sh"
PREPARE = "modules/k3s/prepare.sh"
KERNEL = "parts/kernel-config.sh"


class Machine:
    """A folder that stands for a machine, and a PATH with fakes first."""

    def __init__(self, root: Path) -> None:
        self.root = root / "machine"
        self.bin = root / "bin"
        self.root.mkdir()
        self.bin.mkdir()

    def file(self, path: str, text: str = "") -> Path:
        target = self.root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        return target

    def system(self, path: str, **inhibitors: str) -> Path:
        self.file(f"{path}/etc/nixfleet/inhibitors.json", json.dumps(inhibitors))
        return self.root / path.lstrip("/")

    def fake(self, name: str, body: str) -> None:
        """A command that notes its arguments and does `body`."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.root}/calls"\n{body}\n')
        path.chmod(0o755)

    @property
    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """The way writeShellApplication starts it."""
        text = "set -o errexit -o nounset -o pipefail\n" + (toolbox.TREE / script).read_text()
        variables = {
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "NIXFLEET_ROOT": str(self.root),
            **environment,
        }
        command = ["bash", "-c", text, script, *arguments]
        return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def machine(tmp_path: Path, jq: str) -> Machine:  # noqa: ARG001 - most scripts read JSON with it
    return Machine(tmp_path)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_pass_shellcheck(path: Path) -> None:
    beside = Path(sys.executable).parent / "shellcheck"
    tool = str(beside) if beside.exists() else "shellcheck"
    command = [tool, "--shell=bash", "--severity=style", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_another_host_s_system_is_refused(machine: Machine) -> None:
    machine.file("/etc/nixfleet/identity", json.dumps({"host": "n100-1"}))
    done = machine.run(PREFLIGHT, str(machine.system("/new", hostname="n100-2")))
    assert done.returncode == 3
    assert done.stderr == (
        "nixfleet-preflight: the system is n100-2's and this host is n100-1: nothing was changed; "
        "check the address that was used\n"
    )


def test_what_a_running_system_cannot_change_needs_a_reboot(machine: Machine) -> None:
    machine.file("/etc/nixfleet/identity", json.dumps({"host": "n100-1"}))
    machine.system("/run/current-system", hostname="n100-1", dbus="dbus")
    system = str(machine.system("/new", hostname="n100-1", dbus="broker"))
    done = machine.run(PREFLIGHT, system)
    assert done.returncode == 4
    assert done.stderr == (
        "nixfleet-preflight: dbus: dbus -> broker: a running system cannot change that: bring it up by a reboot\n"
    )
    assert machine.run(PREFLIGHT, system, NIXFLEET_ALLOW_INHIBITED="1").returncode == 0


def test_an_ordinary_update_passes(machine: Machine) -> None:
    machine.file("/etc/nixfleet/identity", json.dumps({"host": "n100-1"}))
    machine.system("/run/current-system", hostname="n100-1", dbus="broker")
    assert machine.run(PREFLIGHT, str(machine.system("/new", hostname="n100-1", dbus="broker"))).returncode == 0


MARK, OVERRIDE = "/etc/nixfleet/form", "/etc/rancher/k3s/config.yaml.d/90-rejoin.yaml"


def seed(machine: Machine, *, peers: str = "10.0.1.12", when: str = "before") -> subprocess.CompletedProcess[str]:
    machine.fake("sleep", "true")
    return machine.run(SEED, when, SEED_DATA="/etcd", SEED_PEERS=peers, SEED_SECONDS="0")


def test_a_seed_with_data_goes_on_and_uses_the_mark_up(machine: Machine) -> None:
    mark = machine.file(MARK)
    (machine.root / "etcd").mkdir()
    machine.fake("curl", "exit 1")
    assert (seed(machine).returncode, machine.calls, mark.exists()) == (0, [], False)


def test_a_seed_without_data_joins_a_server_that_answers(machine: Machine) -> None:
    mark = machine.file(MARK)
    machine.fake("curl", 'case "$*" in *10.0.1.13*) printf 401 ;; *) printf 000; exit 7 ;; esac')
    done = seed(machine, peers="10.0.1.12 10.0.1.13")
    override = machine.root / OVERRIDE.lstrip("/")
    assert (done.returncode, mark.exists()) == (0, False)
    assert override.read_text() == "cluster-init: false\nserver: https://10.0.1.13:6443\n"


def test_a_seed_forms_the_cluster_where_its_installation_asked_for_it(machine: Machine) -> None:
    mark = machine.file(MARK)
    stale = machine.file(OVERRIDE, "server: x\n")
    machine.fake("curl", "printf 000; exit 7")
    done = seed(machine)
    assert (done.returncode, stale.exists()) == (0, False)
    assert "forming the cluster" in done.stderr
    # k3s may fail before it has data: then it is still to form the cluster; once it runs, never again.
    assert mark.exists()
    assert (seed(machine, when="after").returncode, mark.exists()) == (0, False)


def test_a_cluster_that_is_formed_has_the_stacks_authority(machine: Machine) -> None:
    """k3s takes an authority that lies there at its first start; without a key of ours it makes its own."""
    machine.file(MARK)
    machine.file("/etc/nixfleet/secrets/server-ca", "certificate\n")
    machine.fake("curl", "printf 000; exit 7")
    data = {"SEED_DATA": "/k3s/server/db/etcd", "SEED_PEERS": "10.0.1.12", "SEED_SECONDS": "0"}
    assert machine.run(SEED, "before", **data).returncode == 0
    assert not (machine.root / "k3s/server/tls").exists()
    machine.file("/etc/nixfleet/secrets/server-ca-key", "private\n")
    assert machine.run(SEED, "before", **data).returncode == 0
    files = {path.name: path for path in (machine.root / "k3s/server/tls").iterdir()}
    assert {name: path.read_text() for name, path in files.items()} == {
        "server-ca.crt": "certificate\n",
        "server-ca.key": "private\n",
    }
    assert files["server-ca.key"].stat().st_mode & 0o777 == 0o600


def test_a_seed_without_the_mark_forms_nothing_however_silent_the_others_are(machine: Machine) -> None:
    machine.fake("curl", "printf 000; exit 7")
    done = seed(machine)
    mark = f"{machine.root}{MARK}"
    text = (
        f"nixfleet-seed: none of the other servers (10.0.1.12) answers within 0 s, and there is no {mark}: not "
        "started, as this could be a second cluster; see that the others run, or if there is no cluster any more: "
        f"touch {mark}\n"
    )
    assert (done.returncode, done.stderr) == (1, text)


def test_a_seed_waits_for_a_server_that_answers_later(machine: Machine) -> None:
    count = machine.root / "count"
    machine.fake("curl", f'echo >>{count}; [ "$(wc -l <{count})" -gt 2 ] && printf 401 || {{ printf 000; exit 7; }}')
    machine.fake("sleep", "true")
    done = machine.run(SEED, "before", SEED_DATA="/etcd", SEED_PEERS="10.0.1.12", SEED_SECONDS="600")
    assert (done.returncode, len(count.read_text().splitlines())) == (0, 3)


def test_a_seed_that_was_removed_from_etcd_joins_again_and_never_forms(machine: Machine) -> None:
    machine.file("/etcd/tombstone")
    machine.file(MARK)
    machine.fake("curl", "printf 000; exit 7")
    assert seed(machine).returncode == 1
    machine.fake("curl", "printf 401")
    assert seed(machine).returncode == 0
    assert "server: https://10.0.1.12:6443" in (machine.root / OVERRIDE.lstrip("/")).read_text()


def prepare(machine: Machine, *, found: str = "10.0.1.21", through: str = "") -> subprocess.CompletedProcess[str]:
    links = [{"addr_info": [{"local": address} for address in found.split()]}]
    machine.fake("ip", f"echo '{json.dumps(links)}'")
    return machine.run(PREPARE, NODE_ADDRESS="10.0.1.21", NODE_INTERFACE="lan0", JOIN_THROUGH=through)


SERVER = "etc/rancher/k3s/config.yaml.d/80-server.yaml"


def test_k3s_does_not_start_without_its_address(machine: Machine) -> None:
    done = prepare(machine, found="10.0.1.99")
    assert done.returncode == 1
    assert done.stderr == (
        "nixfleet-k3s-prepare: lan0 has 10.0.1.99, and the node's is 10.0.1.21: look at networkctl status lan0; "
        "k3s is tried again\n"
    )
    assert prepare(machine, found="10.0.1.99 10.0.1.21").returncode == 0


def test_a_node_joins_the_first_server_whose_api_is_up(machine: Machine) -> None:
    machine.fake(
        "curl",
        'case "$*" in *10.0.1.11*) printf 000; exit 7 ;; *10.0.1.12*) printf 503 ;; *10.0.1.13*) printf 401 ;; esac',
    )
    assert prepare(machine, through="10.0.1.11 10.0.1.12 10.0.1.13").returncode == 0
    assert (machine.root / SERVER).read_text() == "server: https://10.0.1.13:6443\n"


def test_a_node_that_no_server_answers_starts_as_it_is_configured(machine: Machine) -> None:
    stale = machine.file(SERVER, "server: x\n")
    machine.fake("curl", "printf 000; exit 7")
    done = prepare(machine, through="10.0.1.11 10.0.1.12")
    assert done.returncode == 0
    assert done.stderr == (
        "nixfleet-k3s-prepare: no API server answers of 10.0.1.11 10.0.1.12: "
        "k3s waits for the one of its configuration\n"
    )
    assert not stale.exists()


def test_a_blank_volume_is_formatted_once(machine: Machine) -> None:
    machine.file("/dev/disk/by-id/scsi-0HC_Volume_1")
    machine.fake("wipefs", "true")
    machine.fake("mkfs.ext4", "true")
    machine.fake("udevadm", "true")
    assert machine.run(VOLUME).returncode == 0
    assert f"mkfs.ext4 -q -L longhorn {machine.root}/dev/disk/by-id/scsi-0HC_Volume_1" in machine.calls
    machine.file("/dev/disk/by-label/longhorn")
    before = len(machine.calls)
    assert machine.run(VOLUME).returncode == 0
    assert len(machine.calls) == before


def test_a_volume_with_something_on_it_is_left_alone(machine: Machine) -> None:
    machine.file("/dev/disk/by-id/scsi-0HC_Volume_1")
    machine.fake("wipefs", "echo 0x438,,ext4,old")
    machine.fake("mkfs.ext4", "true")
    done = machine.run(VOLUME)
    assert done.returncode == 1
    assert "is not blank and has no file system labelled longhorn: it is left alone" in done.stderr
    assert not [call for call in machine.calls if call.startswith("mkfs")]


def test_no_volume_or_two_are_said(machine: Machine) -> None:
    assert "0 volumes are attached (none), 1 is expected" in machine.run(VOLUME).stderr
    machine.file("/dev/disk/by-id/scsi-0HC_Volume_1")
    machine.file("/dev/disk/by-id/scsi-0HC_Volume_2")
    assert "2 volumes are attached" in machine.run(VOLUME).stderr


MESH_VARIABLES = {"MESH_INTERFACE": "mesh0", "MESH_PORT": "51820"}


def mesh(machine: Machine, document: str | None) -> subprocess.CompletedProcess[str]:
    key = machine.file("/key", "secret")
    peers = machine.root / "mesh.json"
    if document is not None:
        peers.write_text(document)
    machine.fake("ip", "true")
    machine.fake("wg", 'case "$1" in show) echo OLD=; echo AAA= ;; esac')
    return machine.run(MESH, MESH_KEY=str(key), MESH_PEERS=str(peers), **MESH_VARIABLES)


def test_peers_are_what_the_file_says_and_no_others(machine: Machine) -> None:
    peers = {
        "a": {"publicKey": "AAA=", "address": "10.90.0.11", "endpoint": "192.0.2.11:51820"},
        "b": {"publicKey": "BBB=", "address": "10.90.0.12"},
    }
    done = mesh(machine, json.dumps({"self": "c", "peers": peers}))
    assert done.returncode == 0, done.stderr
    changes = [call for call in machine.calls if call.startswith("wg set mesh0 peer")]
    assert changes == [
        "wg set mesh0 peer OLD= remove",
        "wg set mesh0 peer AAA= allowed-ips 10.90.0.11/32 endpoint 192.0.2.11:51820 persistent-keepalive 25",
        "wg set mesh0 peer BBB= allowed-ips 10.90.0.12/32",
    ]


def test_a_broken_peers_file_changes_no_peer(machine: Machine) -> None:
    done = mesh(machine, '{"self": "c"')
    assert done.returncode != 0
    assert not [call for call in machine.calls if "peer" in call.split()[2:]]


def test_a_mesh_without_peers_yet_is_no_failure(machine: Machine) -> None:
    assert mesh(machine, None).returncode == 0


def test_a_missing_mesh_key_is_said(machine: Machine) -> None:
    done = machine.run(MESH, MESH_KEY="/nowhere", MESH_PEERS="/nowhere", **MESH_VARIABLES)
    assert done.returncode == 1
    assert "run the switch of this host again, it brings the key" in done.stderr


def medium(machine: Machine) -> subprocess.CompletedProcess[str]:
    machine.fake("udevadm", "true")
    machine.fake("umount", "true")
    return machine.run(MEDIUM)


def test_the_installer_takes_key_and_addresses_from_the_medium(machine: Machine) -> None:
    machine.file("/dev/disk/by-label/NIXFLEET")
    fill = 'for last; do :; done; echo key >"$last/ssh_host_ed25519_key"; mkdir "$last/network"'
    machine.fake("mount", f'{fill}; echo x >"$last/network/20-lan0.network"; echo y >"$last/network/notes.txt"')
    assert medium(machine).returncode == 0
    key = machine.root / "etc/ssh/ssh_host_ed25519_key"
    assert (key.read_text(), key.stat().st_mode & 0o777) == ("key\n", 0o600)
    assert [path.name for path in (machine.root / "run/systemd/network").iterdir()] == ["20-lan0.network"]


def test_a_medium_without_addresses_leaves_them_to_dhcp(machine: Machine) -> None:
    machine.file("/dev/disk/by-label/NIXFLEET")
    machine.fake("mount", 'for last; do :; done; echo key >"$last/ssh_host_ed25519_key"')
    assert medium(machine).returncode == 0
    assert not (machine.root / "run").exists()


def test_a_medium_without_its_partition_says_what_to_make(machine: Machine) -> None:
    done = medium(machine)
    assert done.returncode == 1
    assert done.stderr == (
        "nixfleet-medium: no file system is labelled NIXFLEET after 30 s: make one (mkfs.vfat -n NIXFLEET) with the "
        "host's bootstrap key in ssh_host_ed25519_key\n"
    )


def test_a_kernel_without_an_option_that_was_asked_for_is_found(machine: Machine) -> None:
    config = machine.file("/config", "CONFIG_WIREGUARD=m\nCONFIG_NFT_CT=y\n# CONFIG_IP_SET is not set\n")
    assert machine.run(KERNEL, str(config), "WIREGUARD", "NFT_CT").returncode == 0
    done = machine.run(KERNEL, str(config), "WIREGUARD", "IP_SET", "NFT")
    assert done.returncode == 1
    assert done.stderr == (
        f"kernel-config: {config} lacks IP_SET NFT: the kernel knows no option of that name, "
        "or another one forbids it\n"
    )


def status(machine: Machine, *, unit: str = "active", api: str = "401", failed: str = "") -> dict[str, object]:
    store = machine.root / "store-system"
    store.mkdir(exist_ok=True)
    facts = {"stack": "lab", "host": "n100-1", "k3s": "server", "k3sVersion": "v1.35.6+k3s1", "kind": "bare-metal"}
    (store / "etc/nixfleet").mkdir(parents=True, exist_ok=True)
    (store / "etc/nixfleet/closure.json").write_text(json.dumps(facts))
    profiles = machine.root / "nix/var/nix/profiles"
    profiles.mkdir(parents=True, exist_ok=True)
    for link, target in (
        (profiles / "system-7-link", store),
        (profiles / "system", "system-7-link"),
        (machine.root / "run/current-system", store),
        (machine.root / "run/booted-system", store),
    ):
        link.parent.mkdir(exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(target)
    machine.file("/etc/nixfleet/identity", json.dumps({"stack": "lab", "host": "n100-1"}))
    machine.fake("systemctl", f'case "$1" in is-active) echo {unit} ;; *) printf "{failed}" ;; esac')
    machine.fake("curl", f"printf {api}")
    done = machine.run(STATUS)
    found: dict[str, object] = json.loads(done.stdout)
    assert (done.returncode == 0) is found["healthy"], done.stderr
    return found


def test_status_says_who_what_and_how(machine: Machine) -> None:
    found = status(machine)
    assert found["healthy"] is True
    assert found["generation"] == 7
    assert found["wanted"] == found["running"] == found["booted"]
    assert found["identity"] == {"stack": "lab", "host": "n100-1"}
    assert found["k3s"] == {"role": "server", "unit": "active", "api": "401", "healthy": True}


@pytest.mark.parametrize("fault", [{"unit": "failed"}, {"api": "000"}, {"failed": "x.service loaded failed"}])
def test_status_says_what_is_wrong(machine: Machine, fault: dict[str, str]) -> None:
    assert status(machine, **fault)["healthy"] is False
