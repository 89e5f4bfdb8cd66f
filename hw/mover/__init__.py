"""The data mover between memory and the accelerators' streams."""
