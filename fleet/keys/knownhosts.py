"""known_hosts lines of a contract, so that a person's ssh pins the same keys as the program does.

Installed systems only: the bootstrap keys are for the program's first contact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fleet.contract.facts import Contract


def known_hosts(contract: Contract) -> tuple[str, ...]:
    """One line per host: its name and the addresses that the contract knows, then the key of the installed system."""
    lines = []
    for name, host in sorted(contract.hosts.items()):
        addresses = [str(address) for address in (host.ssh_address, host.address) if address]
        lines.append(f"{','.join(dict.fromkeys([name, *addresses]))} {host.host_key}")
    return tuple(lines)


def render_known_hosts(contract: Contract) -> str:
    """The file's bytes, the same on every machine."""
    head = f"# Written by `python -m fleet known-hosts --stack {contract.stack}`; edits are lost.\n"
    return head + "".join(f"{line}\n" for line in known_hosts(contract))
