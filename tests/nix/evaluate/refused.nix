# What the flake's own check of must-fail configurations reads.
tree: tree.refused
