"""Simulated machines: real SSH on loopback, real shells, simulated hardware. Clouds that own machines are in plugins/."""
