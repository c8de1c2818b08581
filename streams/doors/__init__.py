"""What a door answers: who may publish what, what is taken, what is refused and why."""
