"""Every host of every stack against Python's reading of the same contract."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.nix import toolbox

Hosts = dict[tuple[str, str], Any]
Contracts = dict[str, Any]
FLAGS = json.loads((toolbox.TREE / "lib" / "k3s-flags.json").read_text())
# Must be the same on every server, or a joining one is refused.
SHARED_BY_SERVERS = (
    "cluster-cidr",
    "cluster-dns",
    "disable",
    "disable-cloud-controller",
    "embedded-registry",
    "flannel-backend",
    "secrets-encryption",
    "service-cidr",
)


def pairs(hosts: Hosts, contracts: Contracts) -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any], str]]:
    return [
        (facts, contracts[stack]["cluster"], contracts[stack]["hosts"][name], name)
        for (stack, name), facts in hosts.items()
    ]


def test_every_host_of_the_contracts_has_a_system(hosts: Hosts, contracts: Contracts) -> None:
    wanted = {(stack, name) for stack, document in contracts.items() for name in document["hosts"]}
    assert set(hosts) == wanted
    assert len({facts["drvPath"] for facts in hosts.values()}) == len(wanted)
    assert all(re.fullmatch(r"/nix/store/[a-z0-9]{32}-nixos-system-.*\.drv", f["drvPath"]) for f in hosts.values())


def test_names_and_architectures_are_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for facts, _, host, name in pairs(hosts, contracts):
        assert facts["hostName"] == name
        assert facts["platform"] == host["arch"]


def test_a_role_has_its_own_flags_only(hosts: Hosts) -> None:
    for name, facts in hosts.items():
        allowed = {*FLAGS["shared"], *FLAGS[facts["role"]]}
        assert set(facts["k3s"]) <= allowed, name
        # On the command line a list would replace the file's.
        assert facts["configPath"] == "/etc/rancher/k3s/config.yaml"
        assert "--config /etc/rancher/k3s/config.yaml" in facts["units"]["k3s.service"]
        assert "ConditionPathExists=!/etc/nixfleet/released" in facts["units"]["k3s.service"]
        assert "--kubelet-arg" not in facts["units"]["k3s.service"], name


def test_one_seed_forms_the_cluster_and_all_others_join(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, _, name in pairs(hosts, contracts):
        if name == cluster["seed"]:
            assert facts["k3s"]["cluster-init"] is True
            assert "server" not in facts["k3s"]
            peers = set(cluster["servers"].values()) - {cluster["servers"][name]}
            unit = facts["units"]["k3s.service"]
            assert all(peer in unit for peer in peers)
            # At every start: a unit beside it would still be active when k3s is started again without its data.
            assert re.search(r"^ExecStartPre=\S*nixfleet-seed\S* before$", unit, re.MULTILINE)
            assert re.search(r"^ExecStartPost=\S*nixfleet-seed\S* after$", unit, re.MULTILINE)
        else:
            assert "nixfleet-seed" not in facts["units"]["k3s.service"]
            assert "cluster-init" not in facts["k3s"]
            assert facts["k3s"]["server"] == f"https://{cluster['join']}:{cluster['endpoint']['port']}"


def test_addresses_and_certificates(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, host, name in pairs(hosts, contracts):
        k3s = facts["k3s"]
        assert k3s["node-ip"] == [host["address"]]
        assert k3s["node-name"] == name
        assert k3s.get("flannel-iface") == facts["network"]["clusterInterface"]
        if host["role"] == "server":
            assert k3s["advertise-address"] == host["address"]
            extra = [cluster["endpoint"]["address"]] if cluster["endpoint"]["address"] else []
            assert set(k3s["tls-san"]) == {cluster["endpoint"]["name"], *extra, *cluster["servers"].values()}
            assert k3s["cluster-cidr"] == [cluster["podRange"]]
            assert k3s["service-cidr"] == [cluster["serviceRange"]]
            assert k3s["cluster-dns"] == [cluster["dnsAddress"]]


def test_what_servers_must_share_they_share(hosts: Hosts, contracts: Contracts) -> None:
    for stack in contracts:
        servers = [f["k3s"] for (of, _), f in hosts.items() if of == stack and f["role"] == "server"]
        for flag in SHARED_BY_SERVERS:
            assert len({json.dumps(one.get(flag)) for one in servers}) == 1, (stack, flag)


def test_labels_and_taints_are_the_contract_s(hosts: Hosts, contracts: Contracts) -> None:
    for facts, _, host, _name in pairs(hosts, contracts):
        assert "node-label" not in facts["k3s"]
        wanted = [f"{t['key']}{'=' + t['value'] if t['value'] else ''}:{t['effect']}" for t in host["taints"]]
        assert facts["k3s"].get("node-taint", []) == wanted


def test_tokens_are_files_and_an_agent_has_no_server_token(hosts: Hosts) -> None:
    for facts in hosts.values():
        folder, text = "/etc/nixfleet/secrets", facts["units"]["k3s.service"]
        assert facts["k3s"]["token-file"] == f"{folder}/{facts['role']}-token"
        assert f"AssertFileNotEmpty={folder}/{facts['role']}-token" in text
        if facts["role"] == "agent":
            assert "server-token" not in json.dumps(facts["k3s"]) + text
        else:
            assert facts["k3s"]["agent-token-file"] == f"{folder}/agent-token"
        assert not {"token", "agent-token"} & set(facts["k3s"])


def test_snapshots_go_to_the_bucket_that_the_contract_names(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, _host, _name in pairs(hosts, contracts):
        bucket = cluster["snapshotBucket"] if facts["role"] == "server" else None
        wanted = (True, bucket["secret"]) if bucket else (None, None)
        assert (facts["k3s"].get("etcd-s3"), facts["k3s"].get("etcd-s3-config-secret")) == wanted


def test_servers_keep_secrets_snapshots_and_an_audit_log(hosts: Hosts) -> None:
    for facts in hosts.values():
        if facts["role"] == "server":
            k3s = facts["k3s"]
            assert k3s["secrets-encryption"] is True
            assert k3s["etcd-snapshot-schedule-cron"] == "0 */6 * * *"
            assert k3s["etcd-snapshot-retention"] == 28  # four a day for a week
            assert "audit-log-path=/var/log/k3s/audit.log" in k3s["kube-apiserver-arg"]
            assert "audit-policy-file=/etc/rancher/k3s/audit-policy.yaml" in k3s["kube-apiserver-arg"]
            assert "rancher/k3s/audit-policy.yaml" in facts["etc"]
            assert k3s["write-kubeconfig-mode"] == "0640"


def test_etcd_and_api_have_the_sizes_of_the_reference(hosts: Hosts) -> None:
    for facts in hosts.values():
        if facts["role"] == "server":
            assert {"quota-backend-bytes=8589934592", "heartbeat-interval=500", "election-timeout=5000"} <= set(
                facts["k3s"]["etcd-arg"]
            )
            joined = " ".join((*facts["k3s"]["kube-controller-manager-arg"], *facts["k3s"]["kube-apiserver-arg"]))
            assert "max-requests-inflight=800" in joined
            assert "node-monitor-grace-period=40s" in joined
            # Kubernetes 1.27 removed it: a controller manager with it does not start.
            assert "pod-eviction-timeout" not in joined


def test_every_eviction_threshold_is_set(hosts: Hosts) -> None:
    for facts in hosts.values():
        hard = {"memory.available", "nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"}
        assert set(facts["kubelet"]["evictionHard"]) == hard
        assert facts["kubelet"]["shutdownGracePeriod"] == "60s"
        assert facts["kubelet"]["shutdownGracePeriodCriticalPods"] == "20s"
        assert facts["kubelet"]["maxPods"] == 250


def test_the_unit_is_ready_when_k3s_is_and_restarts_without_an_end(hosts: Hosts) -> None:
    for facts in hosts.values():
        lines = set(facts["units"]["k3s.service"].splitlines())
        assert {"Type=notify", "Restart=always", "RestartSteps=5", "RestartMaxDelaySec=2min"} <= lines
        assert {"StartLimitIntervalSec=0", "TimeoutStartSec=600", "KillMode=process"} <= lines
        assert not [line for line in lines if line.startswith("StartLimitBurst=")]


def test_k3s_logs_to_the_journal(hosts: Hosts) -> None:
    """With a log file it runs as a child of itself: ready at once, and still there when it was stopped."""
    for facts in hosts.values():
        assert not {"log", "alsologtostderr", "v"} & set(facts["k3s"])


def test_k3s_starts_after_time_and_with_its_address(hosts: Hosts) -> None:
    for facts in hosts.values():
        text = facts["units"]["k3s.service"]
        after = {word for line in text.splitlines() if line.startswith("After=") for word in line[6:].split()}
        assert {"network-online.target", "nixfleet-clock.service", "nixfleet-mesh.service"} <= after
        assert "TimeoutStartSec=120" in facts["units"]["nixfleet-clock.service"]
        interface = facts["network"]["clusterInterface"]
        *_, wait, prepare = (line for line in text.splitlines() if line.startswith("ExecStartPre="))
        assert wait.endswith(f"/systemd-networkd-wait-online --interface={interface}:routable --timeout=60")
        assert wait.startswith("ExecStartPre=-/nix/store/")
        assert prepare.endswith("/bin/nixfleet-k3s-prepare")
        assert f'"NODE_INTERFACE={interface}"' in text
        assert f'"NODE_ADDRESS={facts["k3s"]["node-ip"][0]}"' in text


def test_no_host_joins_through_one_server_alone(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, _, name in pairs(hosts, contracts):
        others = sorted(address for server, address in cluster["servers"].items() if server != name)
        moves = cluster["endpoint"]["kind"] == "virtualIp"
        wanted = [] if moves or name == cluster["seed"] else others
        assert f'"JOIN_THROUGH={" ".join(wanted)}"' in facts["units"]["k3s.service"], name
        if moves and name != cluster["seed"]:
            assert cluster["join"] == cluster["endpoint"]["address"]


def test_a_server_that_was_taken_out_while_it_was_off_does_not_join_again_by_itself(hosts: Hosts) -> None:
    tombstone = "ConditionPathExists=!/var/lib/rancher/k3s/server/db/etcd/tombstone\n"
    for name, facts in hosts.items():
        assert (tombstone in facts["units"]["k3s.service"]) is (facts["role"] == "server"), name


def test_a_seed_that_may_not_form_says_so_before_systemd_ends_its_start(hosts: Hosts) -> None:
    script = (toolbox.TREE / "modules/k3s/seed.sh").read_text()
    asked, pause = (int(re.search(rf"{word} (\d+)", script)[1]) for word in ("--max-time", "sleep"))  # type: ignore[index]
    seeds = [facts["units"]["k3s.service"] for facts in hosts.values() if facts["k3s"].get("cluster-init")]
    assert seeds
    for text in seeds:
        peers = re.search(r'SEED_PEERS=([^"]*)"', text)[1].split()  # type: ignore[index]
        given, limit = (int(re.search(rf"{key}=(\d+)", text)[1]) for key in ("SEED_SECONDS", "TimeoutStartSec"))  # type: ignore[index]
        # A round that began in the last moment still ends.
        assert limit - (given + pause + asked * len(peers)) >= pause
        assert given > limit / 2


def test_memory_limits_are_per_hardware(hosts: Hosts, contracts: Contracts) -> None:
    defaults = {"jetson-orin-nano": "6G", "n100": "90%"}
    for facts, _, host, name in pairs(hosts, contracts):
        wanted = defaults.get(host["hardware"], "90%")
        if host["hardware"] == "n100" and host["role"] == "server":
            wanted = "8G"
        if host["tuning"]["k3sMemoryMaxGib"] is not None:
            wanted = f"{host['tuning']['k3sMemoryMaxGib']}G"
        assert f"MemoryMax={wanted}\n" in facts["units"]["k3s.service"], name


def test_kernel_and_sysctl_carry_pods(hosts: Hosts) -> None:
    for facts in hosts.values():
        assert {"overlay", "br_netfilter"} <= set(facts["boot"]["kernelModules"])
        sysctl = facts["boot"]["sysctl"]
        assert (sysctl["net.ipv4.ip_forward"], sysctl["net.bridge.bridge-nf-call-iptables"]) == (1, 1)
        assert (sysctl["fs.inotify.max_user_watches"], sysctl["fs.inotify.max_user_instances"]) == (524288, 8192)
        assert sysctl["net.netfilter.nf_conntrack_max"] == (131072 if facts["role"] == "server" else 262144)
        assert (sysctl["kernel.kptr_restrict"], sysctl["kernel.unprivileged_bpf_disabled"]) == (2, 1)


def test_mitigations_stay_on(hosts: Hosts, contracts: Contracts) -> None:
    for facts, _, host, _name in pairs(hosts, contracts):
        off = "mitigations=off" in facts["boot"]["kernelParams"]
        assert off is (not host["tuning"]["mitigations"])


def test_longhorn_s_host_needs_are_there_without_a_policy(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, _, _name in pairs(hosts, contracts):
        if cluster["longhorn"]:
            assert "BindPaths=/run/current-system/sw/bin:/bin" in facts["units"]["iscsid.service"]
            assert "d /var/lib/longhorn 0700 root root -" in facts["tmpfiles"]
            assert any(rule.startswith("L+ /usr/bin/mount ") for rule in facts["tmpfiles"])
            assert {"iscsi_tcp", "dm_crypt"} <= set(facts["boot"]["kernelModules"])


def test_multus_has_k3s_folders_on_both_architectures(hosts: Hosts, contracts: Contracts) -> None:
    seen = set()
    for facts, cluster, _, _name in pairs(hosts, contracts):
        if cluster["multus"]:
            seen.add(facts["platform"])
            rules = "\n".join(facts["tmpfiles"])
            assert "d /var/lib/rancher/k3s/agent/etc/cni/net.d " in rules
            assert "d /var/lib/rancher/k3s/data/cni " in rules
    assert seen == {"aarch64-linux", "x86_64-linux"}


def test_the_virtual_ip_is_held_by_servers_only(hosts: Hosts, contracts: Contracts) -> None:
    for facts, cluster, host, _name in pairs(hosts, contracts):
        wanted = cluster["endpoint"]["kind"] == "virtualIp" and host["role"] == "server"
        assert ("keepalived.service" in facts["units"]) is wanted
        if not wanted:
            assert facts["virtualIp"] is None
            continue
        check = facts["virtualIp"]["script"]
        assert (check["user"], check["fall"], check["rise"], check["interval"]) == ("root", 3, 2, 3)
        own = "/var/lib/rancher/k3s/agent"
        key = f"--cert {own}/client-kubelet.crt --key {own}/client-kubelet.key"
        assert f"--fail --max-time 3 --output /dev/null --cacert {own}/server-ca.crt" in facts["virtualIp"]["text"]
        assert f"{key} https://127.0.0.1:6443/readyz\n" in facts["virtualIp"]["text"]
        assert facts["virtualIp"]["instance"] == {
            "interface": facts["network"]["clusterInterface"],
            "noPreempt": True,
            "state": "BACKUP",
            "virtualIps": [f"{cluster['endpoint']['address']}/32"],
            "virtualRouterId": cluster["endpoint"]["routerId"],
        }
