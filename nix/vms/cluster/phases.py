# Phases of a cluster test, in order. Each ends with an exact condition read from JSON, and each has a limit.
# FACTS and MACHINES are set before this text.


def node(name):
    return MACHINES[name.replace("-", "_")] if name not in MACHINES else MACHINES[name]


def read(machine, command):
    return json.loads(machine.succeed(command))


def eventually(seconds, what, condition):
    import time

    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        last = condition()
        if last is True:
            return
        time.sleep(2)
    raise AssertionError(f"{what}: not within {seconds} s; last seen: {last}")


HOSTS = sorted(FACTS["hosts"])


def boot():
    start_all()
    for name in HOSTS:
        node(name).wait_for_unit("multi-user.target", timeout=300)
        failed = read(node(name), "systemctl list-units --failed --output=json")
        assert failed == [], f"{name}: failed units {failed}"


def network():
    interface = FACTS["interfaces"]["cluster"]
    for name in HOSTS:
        wanted = FACTS["hosts"][name]["address"]

        def has_address(name=name, wanted=wanted):
            links = read(node(name), f"ip -json -4 address show dev {interface}")
            found = [entry["local"] for link in links for entry in link["addr_info"]]
            return True if wanted in found else found

        eventually(60, f"{name}: address {wanted} on {interface}", has_address)
    for name in HOSTS:
        for other in HOSTS:
            node(name).succeed(f"ping -c 1 -W 5 {FACTS['hosts'][other]['address']}")


def vlan_tags():
    for kind, wanted in FACTS["vlans"].items():
        interface = FACTS["interfaces"][kind]
        for name in HOSTS:
            link = read(node(name), f"ip -json -details link show dev {interface}")[0]
            assert link["linkinfo"]["info_data"]["id"] == wanted, f"{name}: {interface} has VLAN id {link}"


def storage_network():
    if FACTS["interfaces"]["storage"] is None:
        return
    for name in HOSTS:
        for other in HOSTS:
            address = FACTS["hosts"][other]["storageAddress"]
            node(name).succeed(f"ping -c 1 -W 5 -I {FACTS['interfaces']['storage']} {address}")


def isolation():
    """Storage addresses do not answer over the cluster network."""
    if FACTS["interfaces"]["storage"] is None:
        return
    for name in HOSTS:
        for other in HOSTS:
            if other != name:
                address = FACTS["hosts"][other]["storageAddress"]
                node(name).fail(f"ping -c 1 -W 2 -I {FACTS['interfaces']['cluster']} {address}")


def constrain():
    if FACTS["constraint"]:
        for name in HOSTS:
            node(name).succeed(f"tc qdisc add dev {FACTS['interfaces']['cluster']} root netem {FACTS['constraint']}")
            rules = read(node(name), f"tc -json qdisc show dev {FACTS['interfaces']['cluster']}")
            assert [rule["kind"] for rule in rules if rule.get("root")] == ["netem"], rules


def seed():
    return node(FACTS["servers"][0])


def nodes_ready(count):
    def check():
        items = read(seed(), "k3s kubectl get nodes --output=json")["items"]
        ready = [
            item["metadata"]["name"]
            for item in items
            if any(c["type"] == "Ready" and c["status"] == "True" for c in item["status"]["conditions"])
        ]
        return True if len(ready) == count == len(items) else f"{len(ready)} of {len(items)} nodes Ready"

    return check


def form():
    # What an installation does: no system forms a cluster unless it was asked to.
    seed().succeed("mkdir -p /etc/nixfleet && touch /etc/nixfleet/form")
    seed().systemctl("start k3s.service --no-block")
    seed().wait_for_unit("k3s.service", timeout=300)
    eventually(300, "readyz", lambda: seed().execute("k3s kubectl get --raw /readyz")[1].strip() == "ok" or "not ok")
    eventually(240, "first node Ready", nodes_ready(1))


def join():
    joined = 1
    for name in FACTS["servers"][1:] + FACTS["agents"]:
        # Without sequentialJoin they have started with their machines.
        node(name).systemctl("start k3s.service --no-block")
        joined += 1
        if FACTS["sequentialJoin"]:
            eventually(300, f"{name} joined", nodes_ready(joined))
    eventually(300, "all nodes Ready", nodes_ready(len(HOSTS)))


def etcd():
    items = read(seed(), "k3s kubectl get nodes -l node-role.kubernetes.io/etcd=true --output=json")["items"]
    names = sorted(item["metadata"]["name"] for item in items)
    assert names == FACTS["servers"], f"etcd members {names}, wanted {FACTS['servers']}"
    answer = seed().succeed("k3s kubectl get --raw /readyz/etcd").strip()
    assert answer == "ok", answer


def core_dns():
    def check():
        found = read(seed(), "k3s kubectl -n kube-system get deployment coredns --output=json")
        return True if found["status"].get("readyReplicas", 0) >= 1 else found["status"]

    eventually(300, "CoreDNS", check)


def status():
    for name in HOSTS:
        found = read(node(name), "fleet-status || true")
        assert found["k3s"]["healthy"] is True, f"{name}: {found}"


def bond_failover():
    bond = FACTS["bond"]
    machine = node(FACTS["agents"][0])
    machine.succeed(f"ip link set dev {bond['primary']} down")

    def moved():
        link = read(machine, f"ip -json -details link show dev {bond['name']}")[0]
        return True if link["linkinfo"]["info_data"]["active_slave"] != bond["primary"] else link["linkinfo"]

    eventually(30, "bond moved to the other member", moved)
    machine.succeed(f"ping -c 3 -W 5 {FACTS['hosts'][FACTS['servers'][0]]['address']}")
    machine.succeed(f"ip link set dev {bond['primary']} up")
    eventually(120, "all nodes Ready after the failover", nodes_ready(len(HOSTS)))


def storage_host():
    """What Longhorn's containers look for on a host is there."""
    for name in HOSTS:
        machine = node(name)
        machine.succeed("systemctl start iscsid.service")
        machine.wait_for_unit("iscsid.service", timeout=60)
        machine.succeed("/usr/bin/mount --version", "/usr/bin/fstrim --version", "/usr/local/bin/iscsiadm --version")
        found = read(machine, "findmnt --json --target /var/lib/longhorn")["filesystems"][0]
        assert found["fstype"] in ("ext4", "xfs"), found


PHASES = [boot, network, vlan_tags, storage_network, isolation, constrain, form, join, etcd, core_dns, status]
for phase in PHASES + [globals()[name] for name in FACTS["extraPhases"]]:
    with subtest(phase.__name__):
        phase()
