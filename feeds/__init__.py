"""What comes in: intake, replay of recordings, publishers."""
