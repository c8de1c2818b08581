"""Where things are: fences and what happens at them, areas and who owns a point."""
