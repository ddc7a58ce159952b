"""Simulated machines: real SSH and real shells, simulated hardware. The clouds that own them are in plugins/."""
