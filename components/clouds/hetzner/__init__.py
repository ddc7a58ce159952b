"""Hetzner Cloud: servers with fixed private addresses behind a firewall, and the load balancer of the API."""

from components.clouds.hetzner import cloud

__all__ = ["cloud"]
