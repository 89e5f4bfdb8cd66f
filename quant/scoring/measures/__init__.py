"""What J and F do not tell of a tracker, one module a family of measures.

trace: what is kept of one object's frames. presence: masks where there is nothing, and none where
there is something. returns: whether an object that was hidden or away is found again. sizes: scores
by how large objects are. empty: masks after an empty prompt. summary: all of them over a split.
"""
