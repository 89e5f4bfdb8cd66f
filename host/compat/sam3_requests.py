"""SAM 3's requests are checked here: which types exist, which fields each takes, and what a field
may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from host.errors import UsageError
from host.names import advice, check_known


@dataclass(frozen=True)
class Fields:
    """These are the fields of a type of request; unused are those of SAM 3 that change nothing
    here.
    """

    needed: tuple[str, ...]
    optional: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()


SESSION = ("session_id",)
ONCE = {
    "start_session": Fields(("resource_path",), SESSION),
    "add_prompt": Fields(
        (*SESSION, "frame_index"),
        ("text", "bounding_boxes", "bounding_box_labels", "points", "point_labels", "obj_id"),
    ),
    "remove_object": Fields((*SESSION, "obj_id"), unused=("is_user_action",)),
    "reset_session": Fields(SESSION),
    "close_session": Fields(SESSION),
}
STREAMED = {
    "propagate_in_video": Fields(
        SESSION, ("propagation_direction", "start_frame_index", "max_frame_num_to_track")
    )
}
ARGUMENTS = {"frame_index": "frame_idx", "start_frame_index": "start_frame_idx"}
"""The methods call these fields by another name."""
KINDS = {
    "session_id": ((str,), "a text"),
    "text": ((str,), "a text"),
    "propagation_direction": ((str,), "a text"),
    "obj_id": ((int, np.integer), "a whole number"),
}


def read_request(
    request: Mapping[str, Any], types: Mapping[str, Fields]
) -> tuple[str, dict[str, Any]]:
    """Returns the type of a request, and its fields as arguments of the method of that name.

    A field of None counts as absent. Raises UsageError for a type or a field that is not known,
    naming the nearest, and for a field that is missing or of the wrong kind.
    """
    if not isinstance(request, Mapping):
        raise UsageError(f"a request of type {type(request).__name__}", "give a dictionary")
    kind = request.get("type")
    if kind is None:
        raise UsageError("a request without type", f"give type: {', '.join(types)}")
    if not isinstance(kind, str) or kind not in types:
        raise UsageError(f"request of type {kind!r}", advice(kind, types))
    fields = types[kind]
    known = ("type", *fields.needed, *fields.optional, *fields.unused)
    check_known(request, known, f"field of a request {kind}")
    given = {name: request[name] for name in known[1:] if request.get(name) is not None}
    for name in fields.needed:
        if name not in given:
            raise UsageError(f"a request without {name}", f"give {name}")
    for name, value in given.items():
        wanted, said = KINDS.get(name, ((object,), ""))
        if not isinstance(value, wanted) or (isinstance(value, bool) and object not in wanted):
            raise UsageError(f"{name} {value!r} in a request {kind}", f"give {said}")
    return kind, {
        ARGUMENTS.get(name, name): value
        for name, value in given.items()
        if name not in fields.unused
    }
