"""The pure core of the gateway: entities as columns, views of them, frames of changes."""
