"""How fast a whole system is: the processor's own work a frame, and this machine's speed."""
