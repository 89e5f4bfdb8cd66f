"""The host: streaming sessions, memory bank, prompts, devices and the command line. Never torch."""
