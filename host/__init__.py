"""The host runs sessions, memory banks, prompts, devices and the command line. It never imports
torch.
"""
