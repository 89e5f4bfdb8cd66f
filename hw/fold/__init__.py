"""From an integer program to kernels: layers, lanes for each, and when its results come."""
