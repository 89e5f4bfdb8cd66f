"""Proofs of the plumbing for all time: `python -m hw.formal.prove`."""
