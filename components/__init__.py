"""Pulumi components: one noun each, structure plain, values from outputs. What the data means is fleet/'s matter."""
