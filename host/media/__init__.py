"""Videos, masks and pictures of them are read, drawn and written here; the project's own clip is
rendered.
"""
