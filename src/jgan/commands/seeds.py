"""Seeds on a command line."""

from jgan.sharding import LARGEST_SEED

MOST = 100_000  # seeds of one command


def parse_seeds(text: str) -> list[int]:
    """Returns the numbers that a text names.

    Raises:
      ValueError: unless it is made of seeds and rising ranges, and names MOST at most.

    >>> parse_seeds("3,14-16")
    [3, 14, 15, 16]
    """
    spans = [part.split("-") for part in text.split(",")]
    if not all(len(span) <= 2 and all(n.isascii() and n.isdigit() for n in span) for span in spans):
        raise ValueError(f"expected seeds from 0 to {LARGEST_SEED}, as 0-63 or 3,14,15-20, found {text!r}")
    ends = [(int(span[0]), int(span[-1])) for span in spans]
    for first, last in ends:
        if not first <= last <= LARGEST_SEED:
            raise ValueError(
                f"expected seeds from 0 to {LARGEST_SEED}, the lower end of a range first, found {max(first, last)} in {text!r}"
            )
    count = sum(last - first + 1 for first, last in ends)
    if count > MOST:
        raise ValueError(f"expected {MOST:,} seeds at most, found {count:,} in {text!r}; take fewer at a time")
    return [seed for first, last in ends for seed in range(first, last + 1)]
