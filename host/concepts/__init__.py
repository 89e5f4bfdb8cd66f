"""Every instance of a concept is found here, in a picture or through a video."""
