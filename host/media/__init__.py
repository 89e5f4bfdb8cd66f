"""Videos, masks and pictures of them: read, drawn, written; and the rendered clip."""
