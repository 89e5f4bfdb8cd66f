"""Every instance of a concept, in a picture or through a video."""
