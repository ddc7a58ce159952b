"""Add-ons: what runs on the cluster for everyone. What they are told is fleet/addons' matter."""
