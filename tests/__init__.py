"""A package, so that no other top-level `tests` hides it: pynq installs one."""
