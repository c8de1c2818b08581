"""NMEA lines from receivers, over TCP and UDP, as records of `vessel.nmea`."""
