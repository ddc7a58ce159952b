# k3s in a cluster test: it forms, grows, and stays when a link fails.


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
    for name in FACTS["servers"]:
        running = node(name).succeed("cat /var/lib/rancher/k3s/server/db/etcd/config").splitlines()
        for key, wanted in FACTS["etcd"].items():
            assert f"{key}: {wanted}" in running, f"{name}: {key} is not {wanted} in {running}"


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
