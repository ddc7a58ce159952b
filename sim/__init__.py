"""The simulated fleet: everything that lies outside the program, and nothing of the program itself."""
