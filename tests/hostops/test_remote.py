"""The scripts that run on hosts, under a real shell."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hostops.ssh import REMOTE, script

if TYPE_CHECKING:
    from tests.hostops.fakes import Fakes

SCRIPTS = sorted(REMOTE.glob("*.sh"))
LIBRARIES = ("common.sh", "loader.sh")
"""What other scripts begin with."""

IDENTITY = '{"host": "a", "installId": "i-1", "machineId": "m-1", "stack": "s"}\n'


def test_scripts_pass_shellcheck() -> None:
    shellcheck = Path(sys.executable).parent / "shellcheck"
    ended = subprocess.run([shellcheck, "-s", "sh", *SCRIPTS], capture_output=True, text=True, check=False)
    assert ended.stdout == ""


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path.name not in LIBRARIES], ids=lambda path: path.stem)
def test_a_script_that_arrives_in_part_does_nothing(path: Path, fakes: Fakes) -> None:
    """Every script works in a function that its last line calls."""
    before = sorted(fakes.root.rglob("*"))
    text = script(path.stem).rstrip()
    said = fakes.feed(text[: text.rindex("\n") + 1])
    assert (said.output, fakes.commands) == ("", [])
    assert sorted(fakes.root.rglob("*")) == before


def test_a_value_is_never_an_argument_and_survives_quoting(fakes: Fakes) -> None:
    value = 'it\'s "$HOME" `id`\n\\n two lines'
    fakes.run("deliver", files="server-token", server_token=value)
    assert (fakes.root / "etc/nixfleet/secrets/server-token").read_text() == value
    assert not [line for line in fakes.commands if "HOME" in line]


def test_secrets_are_private_whole_and_in_a_private_folder(fakes: Fakes) -> None:
    contents = {"server_token": "one\n", "wireguard_key": "two\n"}
    said = fakes.run("deliver", files="server-token wireguard-key", **contents)
    folder = fakes.root / "etc/nixfleet/secrets"
    assert said.facts == {"delivered": "wireguard-key"}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {
        "server-token": 0o400,
        "wireguard-key": 0o400,
    }


def test_a_look_at_a_cloud_image_asks_nothing_of_a_cluster(fakes: Fakes) -> None:
    fakes.write("etc/os-release", 'ID=debian\nNAME="Debian"\n')
    said = fakes.run("look", host="a", role="server", devices="/dev/sda /dev/sdb")
    assert said.facts == {
        "look": "1",
        "os_id": "debian",
        "variant_id": "",
        "boot_id": "boot-1",
        "claim": "",
        "claimed": "",
        "sealed": "",
        "installs": "",
    }
    assert fakes.commands == []


def test_a_look_at_an_installed_server_tells_everything(fakes: Fakes) -> None:
    fakes.write("etc/os-release", "ID=nixos\n")
    fakes.write("etc/nixfleet/identity", IDENTITY)
    fakes.write("etc/nixfleet/secrets/server-token", "token\n")
    fakes.write("boot/efi/nixfleet-installs", "i-0 i-1\n")
    fakes.write("var/lib/nixfleet/rolled-back.json", '{"refused": "/nix/store/new", "system": "/nix/store/old"}\n')
    fakes.write("run/nixfleet/rollback", "NF_WANTED='/nix/store/new'\nNF_PREVIOUS='/nix/store/old'\n")
    fakes.link("run/current-system", "nix/store/old")
    fakes.link("run/booted-system", "nix/store/boot")
    fakes.link("nix/store/old/kernel", "nix/store/linux-2")
    fakes.link("nix/store/boot/kernel", "nix/store/linux-1")
    fakes.link("nix/var/nix/profiles/system-7-link", "nix/store/old")
    (fakes.root / "nix/var/nix/profiles/system").symlink_to("system-7-link")
    fakes.command("systemctl", "printf 'active\\nactive\\n'")
    fakes.command("k3s", 'case $* in *readyz*) printf ok ;; *) printf "True v1.35.6+k3s1 10.0.0.1" ;; esac')
    fakes.command("lsblk", "printf '\\n%s.root\\n' \"${3#/dev/}\"")
    facts = fakes.run("look", host="a", role="server", devices="/dev/sda /dev/sdb", address="10.0.0.1").facts
    assert facts["identity"] == IDENTITY.strip()
    assert facts["boot_installs"] == "i-0 i-1"
    assert (facts["current_system"], facts["next_system"]) == ("/nix/store/old", "/nix/store/old")
    assert (facts["generation"], facts["reboot_due"]) == ("7", "yes")
    assert facts["rolled_back"] == facts["watchdog_wanted"] == "/nix/store/new"
    assert facts["watchdog_previous"] == "/nix/store/old"
    assert (facts["k3s"], facts["watchdog"], facts["node"], facts["etcd"]) == (
        "active",
        "active",
        "True v1.35.6+k3s1 10.0.0.1",
        "ok",
    )
    assert facts["disk_labels"] == " sda.root  sdb.root "
    assert facts["secret_server-token"] == hashlib.sha256(b"token\n").hexdigest()


def test_an_agent_asks_with_the_credential_of_its_kubelet(fakes: Fakes) -> None:
    fakes.write("etc/os-release", "ID=nixos\n")
    fakes.write("etc/nixfleet/identity", IDENTITY)
    fakes.link("run/current-system", "nix/store/old")
    fakes.command("systemctl", "printf 'active\\ninactive\\n'")
    fakes.command("k3s", 'printf "True v1.35.6+k3s1"')
    facts = fakes.run("look", host="a", role="agent", devices="/dev/sda", address="10.0.0.1").facts
    (asked,) = [line for line in fakes.commands if line.startswith("k3s")]
    assert f"--kubeconfig={fakes.root}/var/lib/rancher/k3s/agent/kubelet.kubeconfig get node a" in asked
    assert (facts["node"], "etcd" in facts) == ("True v1.35.6+k3s1", False)


DISK = """case $* in
  "-dno NAME /dev/sda") printf 'sda\\n' ;;
  "-dno NAME "*) exit 1 ;;
  "-dnro NAME") printf 'sda\\nsdb\\n' ;;
  "-dnro NAME,SIZE,SERIAL") printf 'sda 80G SER\\nsdb 1T X\\n' ;;
  "-dno SERIAL "*) printf 'SER 1\\n' ;;
  "-bdno SIZE "*) printf '85899345920\\n' ;;
  "-nro PARTLABEL /dev/sda") printf '\\nnf.s.a.esp\\nnf.s.a.root\\n' ;;
  "-nro PARTLABEL /dev/sdb") printf '\\nmine\\n' ;;
  "-nrpo NAME "*) printf '/dev/sda\\n/dev/sda1\\n/dev/sda2\\n' ;;
  "-dno FSTYPE "*) printf '\\n' ;;
  "-dnro FSTYPE /dev/sda1") printf 'vfat\\n' ;;
  "-dnro FSTYPE "*) printf 'ext4\\n' ;;
  "-dnro MOUNTPOINT "*) printf '%s\\n' "AT" ;;
esac"""


def lsblk(mounted: str = "") -> str:
    """A machine with two disks; where the first one's boot partition is mounted."""
    return DISK.replace("AT", mounted)


def test_the_disks_tell_of_their_installations_and_are_only_read(fakes: Fakes) -> None:
    fakes.command("lsblk", lsblk())
    fakes.command("mount", f"printf 'i-1 i-2\\n' >{fakes.root}/run/nixfleet/boot/nixfleet-installs")
    fakes.command("umount", "")
    assert fakes.run("disk", devices="/dev/sda /dev/gone").facts == {
        "disk": "1",
        "found_0": "sda",
        "serial_0": "SER 1",
        "files_0": "",
        "bytes_0": "85899345920",
        "labels_0": " nf.s.a.esp nf.s.a.root ",
        "installs_0": "i-1 i-2 ",
        "other_sdb": " mine ",
        "disks": "sda 80G SER;sdb 1T X;",
    }
    assert [line for line in fakes.commands if line.startswith(("mount", "umount"))] == [
        f"mount -o ro /dev/sda1 {fakes.root}/run/nixfleet/boot",
        f"umount {fakes.root}/run/nixfleet/boot",
    ]


def test_a_boot_partition_that_cannot_be_read_is_told_as_such(fakes: Fakes) -> None:
    fakes.command("lsblk", lsblk())
    fakes.command("mount", "exit 32")
    assert fakes.run("disk", devices="/dev/sda").facts["installs_0"] == "unreadable "


def test_a_boot_partition_that_is_mounted_is_read_where_it_is(fakes: Fakes) -> None:
    """A stop in the middle of an installation leaves it at /mnt, and it cannot be mounted in another way then."""
    fakes.command("lsblk", lsblk("/mnt/boot"))
    fakes.command("mount", "exit 32")
    fakes.write("mnt/boot/nixfleet-installs", "i-1\n")
    assert fakes.run("disk", devices="/dev/sda").facts["installs_0"] == "i-1 "
    assert [line for line in fakes.commands if line.startswith("mount")] == []


@pytest.mark.parametrize("kept", ["", "persist/"])
def test_a_seal_needs_the_new_system_and_goes_to_the_efi_partition(fakes: Fakes, kept: str) -> None:
    fakes.command("lsblk", "printf '\\n/mnt/boot/efi\\n/mnt\\n'")
    refused = fakes.run("seal", at="/mnt", installs="i-1 i-2")
    assert (refused.status, refused.error) == (1, "the new system is not mounted at /mnt/\n")
    fakes.write(f"mnt/{kept}etc/nixfleet/identity", IDENTITY)
    (fakes.root / "mnt/boot/efi").mkdir(parents=True)
    assert fakes.run("seal", at="/mnt", installs="i-1 i-2").facts == {"sealed": "i-2"}
    assert (fakes.root / "mnt/boot/efi/nixfleet-installs").read_text() == "i-1 i-2\n"
    assert (fakes.root / "run/nixfleet/sealed").read_text() == "i-2\n"


def test_an_installed_system_is_sealed_where_its_efi_partition_is_mounted(fakes: Fakes) -> None:
    fakes.write("etc/nixfleet/identity", IDENTITY)
    (fakes.root / "boot").mkdir()
    fakes.command("lsblk", "printf '/\\n'")
    refused = fakes.run("seal", at="", installs="i-1")
    assert (refused.status, refused.error) == (1, "the EFI system partition is not mounted at /boot\n")
    fakes.command("lsblk", "printf '/boot\\n'")
    assert fakes.run("seal", at="", installs="i-1").facts == {"sealed": "i-1"}
    assert (fakes.root / "boot/nixfleet-installs").read_text() == "i-1\n"
    assert not (fakes.root / "run/nixfleet/sealed").exists()


ACTIVATE = {"host": "a", "wanted": "/nix/store/new", "previous": "/nix/store/old", "minutes": "15", "rollback": "echo"}


def test_nothing_is_activated_before_the_watchdog_is_armed(fakes: Fakes) -> None:
    fakes.command("systemd-run", "exit 1")
    said = fakes.run("activate", **ACTIVATE)
    assert said.facts == {}
    assert len([line for line in fakes.commands if line.startswith("systemd-run")]) == 1


def test_the_watchdog_is_armed_and_then_the_activation_started(fakes: Fakes) -> None:
    fakes.command("systemctl", 'case $1 in is-active) printf "active\\n" ;; esac')
    fakes.command("systemd-run", "")
    said = fakes.run("activate", **ACTIVATE)
    assert said.facts == {"armed": "15", "activating": "/nix/store/new"}
    arm, start = [line for line in fakes.commands if line.startswith("systemd-run")]
    assert "--unit=nixfleet-rollback --on-active=15m" in arm
    # The boot loader is left alone, and what ignores signals is killed soon.
    assert start.endswith(f"{fakes.root}/nix/store/new/bin/switch-to-configuration test")
    assert "--no-block" in start
    assert "--property=TimeoutStopSec=10 " in start
    kept = fakes.root / "nix/var/nix/gcroots/nixfleet-candidate"
    assert kept.readlink() == fakes.root / "nix/store/new"


def a_system(fakes: Fakes, name: str, *, k3s: str = "k3s", params: str = "quiet", kernel: str = "linux-1") -> str:
    """A system in the store."""
    fakes.write(f"nix/store/{name}/etc/systemd/system/k3s.service", k3s)
    fakes.write(f"nix/store/{name}/kernel-params", params)
    for part in ("kernel", "initrd", "kernel-modules"):
        fakes.link(f"nix/store/{name}/{part}", f"nix/store/{kernel}")
    return f"/nix/store/{name}"


@pytest.mark.parametrize(
    ("change", "k3s", "reboot"),
    [
        ({}, "no", "no"),
        ({"k3s": "other"}, "yes", "no"),
        ({"params": "loud"}, "no", "yes"),
        ({"kernel": "linux-2"}, "no", "yes"),
    ],
    ids=["units", "k3s", "parameters", "kernel"],
)
def test_a_host_weighs_a_system_by_its_units_and_what_only_a_boot_brings(
    change: dict[str, str], k3s: str, reboot: str, fakes: Fakes
) -> None:
    a_system(fakes, "old")
    for link in ("run/current-system", "run/booted-system"):
        fakes.link(link, "nix/store/old")
    said = fakes.run("weigh", wanted=a_system(fakes, "new", **change))
    assert said.facts == {"preflight": "0", "k3s": k3s, "reboot": reboot, "weigh": "1"}


def test_another_seed_unit_restarts_k3s_too(fakes: Fakes) -> None:
    fakes.link("run/current-system", a_system(fakes, "old").lstrip("/"))
    new = a_system(fakes, "new")
    fakes.write("nix/store/new/etc/systemd/system/nixfleet-seed.service", "other")
    assert fakes.run("weigh", wanted=new).facts["k3s"] == "yes"


@pytest.mark.parametrize("status", ["3", "4"])
def test_a_host_says_whether_it_refuses_a_system(status: str, fakes: Fakes) -> None:
    fakes.command("nixfleet-preflight", f"exit {status}")
    assert fakes.run("weigh", wanted="/nix/store/new").facts["preflight"] == status
    assert fakes.commands == [f"nixfleet-preflight {fakes.root}/nix/store/new"]


SSH_UNIT = 'case $1 in show) printf "%s\n" loaded ;; esac'


@pytest.mark.parametrize("by", ["timer", "now"])
def test_going_back_leaves_a_note_brings_sshd_back_and_leaves_the_boot_loader_alone(by: str, fakes: Fakes) -> None:
    old = fakes.root / "nix/store/old/bin/switch-to-configuration"
    old.parent.mkdir(parents=True)
    activated = f"ln -sfn {fakes.root}/nix/store/old {fakes.root}/run/current-system"
    old.write_text(f"#!/bin/sh\nprintf '%s\\n' \"old $*\" >>{fakes.root.parent}/commands\n{activated}\n")
    old.chmod(0o700)
    fakes.command("systemctl", SSH_UNIT)
    text = script("rollback", host="a", wanted="/nix/store/new", previous="/nix/store/old")
    fakes.write("run/nixfleet/rollback", text)
    said = fakes.feed(f"sh {fakes.root}/run/nixfleet/rollback {by}\n")
    assert said.status == 0
    assert not (fakes.root / "run/nixfleet/rollback").exists()
    note = json.loads((fakes.root / "var/lib/nixfleet/rolled-back.json").read_text())
    assert (note["refused"], note["system"]) == ("/nix/store/new", "/nix/store/old")
    # The timer that started it goes by itself: stopping it from here is an error in the journal.
    assert fakes.commands == [
        "systemctl stop nixfleet-switch.service",
        "old test",
        "systemctl show --property=LoadState --value sshd.service",
        "systemctl reset-failed sshd.service",
        "systemctl restart sshd.service",
        *(["systemctl stop nixfleet-rollback.timer"] if by == "now" else []),
    ]


def test_a_way_back_that_failed_can_be_gone_again(fakes: Fakes) -> None:
    fakes.write(
        "run/nixfleet/rollback", script("rollback", host="a", wanted="/nix/store/new", previous="/nix/store/old")
    )
    assert fakes.feed(f"sh {fakes.root}/run/nixfleet/rollback now\n").status != 0
    assert (fakes.root / "run/nixfleet/rollback").exists()


def test_progress_waits_on_the_host_for_the_end_also_while_its_systemd_re_executes_itself(fakes: Fakes) -> None:
    count = fakes.root / "count"
    fakes.write("run/nixfleet-failed-before", "old.service\n")
    fakes.command(
        "systemctl",
        f"""case $1 in
  show) echo >>{count}
    case $(wc -l <{count}) in 1) s=activating ;; 2) exit 1 ;; *) s=failed ;; esac
    printf 'ActiveState=%s\\nResult=exit-code\\nExecMainStatus=4\\n' "$s" ;;
  list-units) [ "$2" = --state=failed,auto-restart ] || exit 1
    printf 'old.service loaded\\nnew.service loaded\\nnixfleet-switch.service loaded\\n' ;;
  is-active) printf 'inactive\\ninactive\\n' ;;
esac""",
    )
    facts = fakes.run("progress", seconds="5").facts
    assert (facts["ActiveState"], facts["ExecMainStatus"]) == ("failed", "4")
    assert (facts["new_failures"], facts["old_failures"]) == ("new.service ", "old.service ")


def test_mesh_peers_are_written_only_where_they_differ_and_only_when_installed(fakes: Fakes) -> None:
    fakes.command("systemctl", "")
    assert fakes.run("mesh", peers='{"self": "a"}').facts == {"mesh": "absent"}
    fakes.write("etc/nixfleet/identity", IDENTITY)
    assert fakes.run("mesh", peers='{"self": "a"}').facts["mesh"] == "written"
    assert fakes.run("mesh", peers='{"self": "a"}').facts["mesh"] == "same"
    assert fakes.commands == ["systemctl restart nixfleet-mesh.service"]
    assert (fakes.root / "etc/nixfleet/mesh.json").read_text() == '{"self": "a"}\n'


def test_a_probe_tells_what_was_printed_and_how_it_ended(fakes: Fakes) -> None:
    assert fakes.run("probe", command="exit 0", seconds="5").output == "probe=1\nprobe_status=0\n"
    assert fakes.run("probe", command="echo no; exit 3", seconds="5").output == "probe=1\nno\nprobe_status=3\n"
    assert fakes.run("probe", command="sleep 9", seconds="1").facts["probe_status"] == "124"


K3S = """cd "$NIXFLEET_ROOT/.." || exit
case $* in
  *" annotate "*) [ -e stuck ] || touch removed ;;
  *" delete node "*) rm -f node ;;
  *" get node "*)
    [ ! -e down ] || { echo "etcdserver: no leader" >&2; exit 1; }
    [ -e node ] || exit 0
    case $* in
      *removed-node-name*) [ ! -e removed ] || printf a ;;
      *bootID*) printf boot-old ;;
      *Ready*) cat node ;;
      *InternalIP*) printf 192.0.2.7 ;;
      *labels*) [ ! -e server ] || printf true ;;
      *metadata.uid*) printf uid-1 ;;
    esac ;;
esac"""
FORGET = {"host": "a", "boot": "boot-new", "role": "server", "quiet": "0", "removal": "0"}
NO_PASSWORD = "-n kube-system delete secret a.node-password.k3s --ignore-not-found"  # noqa: S105 - a command


@pytest.fixture
def server(fakes: Fakes) -> Fakes:
    """A server that knows the agent `a`, which is not Ready."""
    fakes.command("k3s", K3S)
    (fakes.root.parent / "node").write_text("Unknown")
    return fakes


def changes(server: Fakes) -> list[str]:
    """What a script changed in the cluster, in this order."""
    asked = [line.removeprefix("k3s kubectl --request-timeout=10s ") for line in server.commands]
    return [line for line in asked if not line.startswith("get ")]


NO_NODE = "delete node a --ignore-not-found --wait=false"


def test_an_agents_old_node_is_forgotten_with_its_password(server: Fakes) -> None:
    said = server.run("forget", **FORGET)
    assert (said.status, said.facts) == (0, {"forget": "1", "forgot_node": "yes"})
    assert changes(server) == [NO_NODE, NO_PASSWORD]


def test_a_servers_member_leaves_etcd_before_its_node_goes(server: Fakes) -> None:
    (server.root.parent / "server").touch()
    said = server.run("forget", **FORGET)
    assert (said.status, said.facts) == (0, {"forget": "1", "forgot_member": "yes", "forgot_node": "yes"})
    assert changes(server) == ["annotate node a etcd.k3s.cattle.io/remove=true --overwrite", NO_NODE, NO_PASSWORD]


def test_a_member_that_stays_keeps_its_node_until_the_next_run(server: Fakes) -> None:
    for name in ("server", "stuck"):
        (server.root.parent / name).touch()
    assert server.run("forget", **FORGET).facts == {"forget": "1", "stuck": "member"}
    assert NO_NODE not in changes(server)
    (server.root.parent / "stuck").unlink()
    assert server.run("forget", **FORGET).facts["forgot_node"] == "yes"


def test_the_removal_of_a_member_is_waited_for(server: Fakes) -> None:
    for name in ("server", "stuck"):
        (server.root.parent / name).touch()
    slow = K3S.replace("*removed-node-name*)", "*removed-node-name*) [ ! -e asked ] || touch removed; touch asked;")
    server.command("k3s", slow)
    assert server.run("forget", **FORGET | {"removal": "10"}).facts["forgot_node"] == "yes"


def test_a_new_node_that_takes_the_name_at_once_is_not_taken_for_the_old_one(server: Fakes) -> None:
    server.command("k3s", K3S.replace("rm -f node ;;", "touch new ;;").replace("uid-1 ;;", '"uid-$(ls new)" ;;'))
    assert server.run("forget", **FORGET).facts == {"forget": "1", "forgot_node": "yes"}


def test_what_is_forgotten_already_is_no_error(server: Fakes) -> None:
    (server.root.parent / "node").unlink()
    said = server.run("forget", **FORGET)
    assert (said.status, said.facts, changes(server)) == (0, {"forget": "1"}, [NO_PASSWORD])


@pytest.mark.parametrize(
    ("boot", "told"), [("boot-new", {"ready_at": "192.0.2.7"}), ("boot-old", {"is_new": "yes"})], ids=str
)
def test_a_node_that_is_ready_or_the_new_one_is_left_alone(boot: str, told: dict[str, str], server: Fakes) -> None:
    (server.root.parent / "node").write_text("True")
    said = server.run("forget", **FORGET | {"boot": boot})
    assert (said.status, said.facts, changes(server)) == (0, {"forget": "1", **told}, [])


def test_a_node_that_was_ready_a_moment_ago_is_waited_for(server: Fakes) -> None:
    (server.root.parent / "node").write_text("True")
    server.command("k3s", K3S.replace("*Ready*) cat node ;;", "*Ready*) cat node; printf Unknown >node ;;"))
    assert server.run("forget", **FORGET | {"quiet": "10"}).facts["forgot_node"] == "yes"


def test_a_cluster_that_does_not_answer_is_not_taken_for_one_without_the_node(server: Fakes) -> None:
    (server.root.parent / "down").touch()
    said = server.run("forget", **FORGET)
    assert (said.status, said.facts, changes(server)) == (1, {"forget": "1"}, [])
    assert said.error == "etcdserver: no leader\n"
