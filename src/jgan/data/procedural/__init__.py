"""Data sets that are drawn from known attributes, at any size: what is generated of them can be scored, not only looked at."""
