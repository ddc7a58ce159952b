# Machines of a cluster test: how they are asked, that they boot, and as what. FACTS and MACHINES are set before this text.
# Each phase ends with an exact condition, and each has a limit. tests/nix/test_phases.py runs all against recorded answers.
import time


def node(name):
    return MACHINES[name.replace("-", "_")] if name not in MACHINES else MACHINES[name]


def read(machine, command):
    return json.loads(machine.succeed(command))


def eventually(seconds, what, condition):
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


def firmware():
    for name in HOSTS:
        kind = node(name).succeed("if [ -d /sys/firmware/efi ]; then echo uefi; else echo bios; fi").strip()
        assert kind == FACTS["firmware"], f"{name} was started by {kind}"


def air_gap():
    """Nothing leads out, so what runs came with the machines."""
    if not FACTS["airgap"]:
        return
    for name in HOSTS:
        routes = read(node(name), "ip -json route show default")
        assert routes == [], f"{name}: {routes}"
