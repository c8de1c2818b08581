"""What runs: the only rooms that speak Faust."""
