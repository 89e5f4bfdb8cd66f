"""Images with named instances: what the concept detector learns from and is scored on.

What an image offers and which are held out: `quant.data.concepts.image`. How each data set is read
and which concepts it marks wherever they occur: `quant.data.concepts.sources`.
"""

from __future__ import annotations

from pathlib import Path

from quant.data.concepts.image import ConceptImage, Instance, split_of
from quant.data.concepts.sources import load_set
from quant.data.errors import DataError
from quant.data.images import subfolders

__all__ = ["ConceptImage", "Instance", "load_concepts", "split_of"]


def load_concepts(root: Path | str) -> list[ConceptImage]:
    """Images of a data set, or of all data sets in a folder or in its subfolders.

    Sets are known by their content: images/ with concepts/ (by `quant.teachers.label`), with masks/
    and labels.txt (Clothing Co-Parsing), with masks/ alone (Oxford-IIIT Pet), with labels/ (YOLO
    polygons of COCO's classes); JPEGImages/ with Annotations/ and names (`named_stills`); or
    DAVIS's layout, of which the training sequences of one unmistakable object are taken. Raises
    DataError, naming what was looked for, where there is none.
    """
    folder = Path(root)
    children = subfolders(folder)
    found: list[ConceptImage] = []
    for path in (folder, *children, *(deep for child in children for deep in subfolders(child))):
        found += load_set(path)
    if not found:
        raise DataError(
            f"no annotated images in {folder}",
            "expected images/ with masks/, labels/ or concepts/, or JPEGImages/ with Annotations/ "
            "and labels.json or classes.txt, there, one or two folders down",
        )
    return found
