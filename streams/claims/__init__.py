"""What is claimed, by cameras and by citizens: parameters and words."""
