"""How a tracker is scored, and the cards and times that tell of it."""
