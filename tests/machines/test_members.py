"""A second server that joins, leaves, and comes to nothing: its own machine, and what the first one knows of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.machines.host import assert_at_rest, copy_node, state

if TYPE_CHECKING:
    from tests.machines.points import Points

FIRST, SECOND = "hcloud-1", "hcloud-2"
NODES = "ls /var/lib/fleet/nodes | tr '\\n' ' '"
LEFT = "systemctl is-active k3s.service; ls /etc/nixfleet/secrets; ls -d /var/lib/rancher/k3s/server"


def test_a_server_joins_and_leaves_also_when_its_leaving_is_killed_or_its_power_is_cut(points: Points) -> None:
    with points.at("installed") as first, points.further(first.operator, SECOND) as second:
        joined = second.run("install")
        assert joined.code == 0, joined.err
        second.machine.await_up()
        assert_at_rest(second.machine, second.operator.wanted(SECOND))
        copy_node(SECOND, second.machine, first.machine)
        assert first.machine.tell(NODES).split() == [FIRST, SECOND]

        gone = first.operator.remove(SECOND)
        run = first.operator.start("leave", SECOND, **gone)
        run.until(f"{SECOND}: drain: ")
        run.kill()
        left = first.operator.run("leave", SECOND, **gone)
        assert left.code == 0, left.err
        assert first.machine.tell(NODES).split() == [FIRST]
        said = second.machine.run(LEFT).text.splitlines()
        assert said[0] == "inactive"
        assert not {"server-token", "agent-token", "/var/lib/rancher/k3s/server"} & set(said)

        second.machine.cut_power()
        second.machine.start()
        second.machine.await_up()
        assert state(second.machine).k3s == "inactive"
        # Its disk was not touched: it runs on, without a cluster.
        assert state(second.machine).failed == ""
        again = first.operator.run("leave", SECOND, **gone)
        assert again.code == 0, again.err
        assert_at_rest(first.machine, first.operator.wanted(FIRST))


def test_a_server_that_is_gone_is_forgotten_and_one_that_may_live_is_not(points: Points) -> None:
    with points.at("installed") as first:
        first.operator.add(SECOND)
        first.machine.tell(
            f"cp -a /var/lib/fleet/nodes/{FIRST} /var/lib/fleet/nodes/{SECOND}; cd /var/lib/fleet/nodes/{SECOND}; "
            f"printf {SECOND} >member; printf another >boot; printf another >uid"
        )
        gone = {**first.operator.remove(SECOND), "NIXFLEET_ANSWER_SECONDS": "5", "NIXFLEET_READY_SECONDS": "5"}
        refused = first.operator.run("leave", SECOND, **gone)
        assert (refused.code, f"the node {SECOND} is Ready at 10.90.0.11" in refused.last) == (3, True), refused.err
        first.machine.tell(f"printf Unknown >/var/lib/fleet/nodes/{SECOND}/ready")
        left = first.operator.run("leave", SECOND, **gone)
        assert left.code == 0, left.err
        assert first.machine.tell(NODES).split() == [FIRST]
