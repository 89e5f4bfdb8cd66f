"""What no trainer ever sees: the rule and the names that set data aside for scoring.

Stills of every set are held out by a hash of their file's name, so that the split is the same
everywhere and for ever; videos are too few for that and are named.
"""

from __future__ import annotations

import hashlib
import re

HELD_VIDEOS = frozenset(
    {
        "schoolgirls",  # DAVIS-2017: seven instances close together
        "ice",  # Xiph with Chen & Corso's labels: skaters, a crowd
        "stefan",  # a small fast player before spectators
        "soccer",
        "highway1300",  # CDnet: cars come and go before a fixed camera
        "girl",  # SegTrack v2
        "3e91f10205_2",  # YouTube-VOS scenes
        "6f96e91d81_3",
        "f635e9568b_2",
    }
)
"""Videos that only scoring reads, beside the `dev` list of DAVIS."""

HELD_SHARE = 10
"""One still in so many is held out."""

COPY = re.compile(r"_voc\d{4}_(?P<original>\d{4}_\d{6})$")
"""Names of photos of Pascal VOC in other sets: `car_voc2012_2008_005972` of SYSU-Shape."""


def is_held_out(stem: str) -> bool:
    """Tells whether the still whose file has this stem is held out, by its own name or, where it is
    a copy, by that of its original.
    """
    copy = COPY.search(stem)
    return is_drawn(stem) or (copy is not None and is_drawn(copy["original"]))


def is_drawn(stem: str) -> bool:
    """Tells whether a name alone holds its still out: the SHA-256 of the stem (UTF-8, read as one
    big-endian number) is a multiple of HELD_SHARE.
    """
    return int.from_bytes(hashlib.sha256(stem.encode()).digest(), "big") % HELD_SHARE == 0
