"""The live page shows a camera or a clip in a browser, tracked while one clicks, drags and types.

Four threads share the work, and none waits for another's queue: capture reads frames, tracking owns
the device, drawing makes pictures, recording writes them. Each takes the newest of what the one
before made.
"""
