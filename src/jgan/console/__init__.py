"""The command `jgan`: systems by name, runs by their folder, sets of images by their path."""
