"""One file per system, read from top to bottom: Config, PRESETS, build, SYSTEM. `jgan train NAME` trains the one of this name."""
