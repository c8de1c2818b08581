"""The rules: each a pure function of a batch and a state."""
