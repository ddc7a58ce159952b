"""Clouds: each turns hosts of its kinds into machines. A further cloud is one further module here: it registers itself.

This package finds its modules by looking, so that nothing else has to be edited; registry.py says what a module does.
"""

import importlib
import pkgutil


def load_clouds() -> None:
    """Import every cloud, which registers its kinds of hosts."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
