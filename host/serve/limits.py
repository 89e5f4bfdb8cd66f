"""The page takes so much of clients, messages, objects and pixels, and no more. A board has little
memory, and anybody who may open the page may also open it twenty times.
"""

from __future__ import annotations

MOST_PAGES = 8
MOST_STREAMS = 4
"""Readers of /stream.mjpg at once."""
MOST_OBJECTS = 16
MOST_PHRASES = 4
MOST_COMMANDS = 32
"""Commands that may wait for the tracker."""
MESSAGE_BYTES = 4096
MESSAGES_A_SECOND, MESSAGE_BURST = 60.0, 120.0
"""A page may send this many messages; acknowledged pictures count too."""
FLOOD = 400
"""Messages refused, without a quiet while, before a page is sent away."""
NAME_LENGTH, PHRASE_LENGTH = 40, 80

TRACKED_SIDE = 1920
"""A frame's longest side may have this many pixels: larger frames are shrunk when they are read."""
SHOWN_SIDE = 1280
"""A picture on the page has a longest side of this many pixels."""
SHARP_SIDE = 900
"""Small frames are drawn at whole multiples up to about this side, so that outlines stay sharp."""

IN_FLIGHT = 2
"""Pictures sent and not yet seen: one on its way while the browser shows the other."""
SEND_S = 15.0
"""A page may take this many seconds to accept a message before it counts as gone."""

RECORDING_BYTES = 4 << 30
LEAST_FREE_BYTES = 256 << 20
"""Recording stops at this size of a file, and before the disk is full."""
