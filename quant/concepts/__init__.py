"""How the concept detector is trained, calibrated and scored."""
