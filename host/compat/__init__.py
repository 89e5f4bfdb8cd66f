"""SAM 2's and SAM 3's names on this project's sessions. Nothing else of the host imports this."""
