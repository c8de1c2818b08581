"""What the gateway knows of the city: topics folded into the latest state of each entity."""
