"""What is decided: pure stream processing, without I/O and without a wall clock."""
