"""bootctl and grub-editenv: an entry that is to boot once."""

from __future__ import annotations

from pathlib import Path

from sim.machines import closure, loader
from sim.machines.commands.call import Call, Reply, not_simulated


async def bootctl(call: Call) -> Reply:
    """Set or clear the entry that boots once: set-oneshot ID. Like the real one, it does not look whether it exists."""
    match call.argv:
        case ("set-oneshot", name):
            if not (call.host.root / loader.LOADER_CONF).exists():
                return Reply(1, err="Not booted with a supported boot loader.\n")
            variable = call.host.root / loader.ONESHOT
            variable.unlink(missing_ok=True)
            if name:
                variable.parent.mkdir(parents=True, exist_ok=True)
                variable.write_text(name)
            return Reply()
    return not_simulated(call, " ".join(call.argv))


async def grub_editenv(call: Call) -> Reply:
    """Change GRUB's environment block: FILE create | list | set NAME=VALUE | unset NAME."""
    name, verb, *words = call.argv
    path = closure.inside(call.host.root, str(Path(call.cwd) / name))
    if verb == "create":
        loader.write_block(path, {})
        return Reply()
    if not path.exists():
        return Reply(1, err=f"grub-editenv: error: cannot open `{name}': No such file or directory.\n")
    block = loader.read_block(path)
    match verb, *words:
        case ["list"]:
            return Reply(out="".join(f"{key}={value}\n" for key, value in block.items()))
        case ["set", assignment]:
            key, _, value = assignment.partition("=")
            block[key] = value
        case ["unset", key]:
            block.pop(key, None)
        case _:
            return not_simulated(call, " ".join(call.argv))
    loader.write_block(path, block)
    return Reply()
