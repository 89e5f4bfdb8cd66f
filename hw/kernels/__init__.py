"""One kernel is <k>.sv and <k>.py of the same stem; what they share is in common."""
