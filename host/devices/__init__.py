"""Devices run a bundle's graphs: the integer model, the hardware in simulation, a board."""
