"""What is said: the wire contracts of the city brain."""
