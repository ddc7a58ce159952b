"""What Nix and other stacks are told of a fleet: the contract, what follows from it, and how two of them differ."""
