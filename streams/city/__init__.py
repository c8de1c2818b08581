"""A city: its files, what may be wrong with them, and what the rules are told."""
