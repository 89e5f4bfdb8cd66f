"""A system of accelerators as a compiled simulator, driven by its registers and streams."""
