"""The gateway under the whole city: many screens, every entity changing."""
