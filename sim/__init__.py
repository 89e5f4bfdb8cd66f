"""Simulation: integer programs executed on the golden functions."""
