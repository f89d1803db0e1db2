"""The shell: what a run leaves behind, the loop that experiments share, and the command line."""
