"""Memories that kernels share: RAMs and ROMs in the shapes that tools map."""
