"""The simulator: a whole city of sources, seeded, as a function of the instant.

`whole.Simulator` makes the events of any stretch of time; each part (sensors,
cameras, vessels, complaints) is a module. Nothing is remembered between two
calls: what a device says at an instant follows from the seed, the device and
the instant alone, so a stretch gives the same bytes however it is cut.
`scenarios` lays stories over the calm city and says what must come of them.
"""
