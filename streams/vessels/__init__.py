"""Vessels: AIS sentences, identities and tracks, what the rules about them share."""
