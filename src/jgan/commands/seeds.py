"""Seeds on a command line."""


def parse_seeds(text: str) -> list[int]:
    """The numbers that a text names.

    Raises:
      ValueError: unless it is made of numbers and rising ranges.

    >>> parse_seeds("3,14-16")
    [3, 14, 15, 16]
    """
    try:
        spans = [[int(n) for n in part.split("-")] for part in text.split(",")]
    except ValueError:
        spans = []
    if not spans or any(len(span) > 2 or span[0] > span[-1] for span in spans):
        raise ValueError(f"expected seeds as 0-63 or 3,14,15-20, found {text!r}")
    return [seed for span in spans for seed in range(span[0], span[-1] + 1)]


def parse_label(text: str | None) -> str | int | None:
    """A class by its number, if the text is one, else by its name.

    >>> parse_label("3"), parse_label("moon"), parse_label(None)
    (3, 'moon', None)
    """
    return int(text) if text is not None and text.isdigit() else text
