"""Sound: levels by energy, limits by place and hour, the ladder of the noise rule."""
