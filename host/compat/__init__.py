"""SAM 2's and SAM 3's names stand here, on this project's sessions. Nothing else of the host
imports them.
"""
