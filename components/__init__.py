"""Pulumi components: one noun each, structure from plain data, values from outputs. What data means is fleet/'s matter."""
