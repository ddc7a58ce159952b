"""What clouds say of a stack's objects when they are asked directly: the engine knows only what its state knows."""
