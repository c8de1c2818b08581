"""The commands of `citybrain`, one module each; see `deploy.cli`."""
