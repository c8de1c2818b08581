"""Devices and feeds: who is heard, who is silent, and how much comes."""
