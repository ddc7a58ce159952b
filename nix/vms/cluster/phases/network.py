# Networks of a cluster test: addresses, tags, and what does not cross from one to the other.


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


def received(machine, interface):
    return read(machine, f"ip -json -stats link show dev {interface}")[0]["stats64"]["rx"]["packets"]


def isolation():
    """What is sent on the cluster network arrives there and not on the storage network.

    It may well be answered: Linux answers for each of its addresses on every interface.
    """
    cluster, storage = FACTS["interfaces"]["cluster"], FACTS["interfaces"]["storage"]
    if storage is None:
        return

    def crosses(name, other):
        target = node(other)
        before = {interface: received(target, interface) for interface in (cluster, storage)}
        node(name).execute(f"ping -c 3 -W 2 -I {cluster} {FACTS['hosts'][other]['storageAddress']}")
        grown = {interface: received(target, interface) - before[interface] for interface in before}
        return True if grown[storage] == 0 < grown[cluster] else grown

    for name in HOSTS:
        for other in HOSTS:
            if other != name:
                # A stray broadcast of another machine may come in between: not three times in a row.
                eventually(30, f"from {name} to {other} by {cluster} only", lambda a=name, b=other: crosses(a, b))


def wrong_vlan():
    """A machine with another VLAN id on the same line hears no host; with the right one it does, so the line is good."""
    stranger = FACTS["stranger"]
    if stranger is None:
        return
    machine, target = node("stranger"), FACTS["hosts"][FACTS["servers"][0]]["address"]
    machine.wait_for_unit("multi-user.target", timeout=300)
    link = read(machine, f"ip -json -details link show dev {stranger['interface']}")[0]
    assert link["linkinfo"]["info_data"]["id"] == stranger["vlan"] != FACTS["vlans"]["cluster"], link
    machine.fail(f"ping -c 1 -W 2 {target}")
    machine.succeed(
        f"ip link delete dev {stranger['interface']}",
        f"ip link add link {stranger['link']} name right type vlan id {FACTS['vlans']['cluster']}",
        f"ip address add {stranger['address']} dev right",
        "ip link set dev right up",
    )
    machine.succeed(f"ping -c 1 -W 5 {target}")


def constrain():
    if FACTS["constraint"]:
        for name in HOSTS:
            node(name).succeed(f"tc qdisc add dev {FACTS['interfaces']['cluster']} root netem {FACTS['constraint']}")
            rules = read(node(name), f"tc -json qdisc show dev {FACTS['interfaces']['cluster']}")
            assert [rule["kind"] for rule in rules if rule.get("root")] == ["netem"], rules
