"""OVH Public Cloud: instances with a fixed address on a private network. Dedicated servers are records."""

from components.clouds.ovh import cloud

__all__ = ["cloud"]
