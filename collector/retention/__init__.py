"""Which runs go, and how they go: a pure policy, and the sweep that carries it out."""
