"""Images with named instances, their vocabulary, and the views that the detector learns from."""
