"""Text: tokens by the names of their vocabulary, one line per example."""

from collections.abc import Sequence
from functools import partial

from jgan.outputs.kind import Kind, examples


def tokens(names: Sequence[str], separator: str = " ", end: str | None = None) -> Kind:
    """Returns the kind of token sequences, integers [N, T]: a text file with one line per example.

    Args:
      names: of the vocabulary.
      separator: between tokens; "" for characters.
      end: the name of the token at which a sequence ends; it is not shown.

    Raises:
      ValueError: if there are no names, or `end` is none of them.

    >>> kind = tokens(("a", "small", "cat", "<end>"), end="<end>")
    >>> kind.files(kind.check("caption", [[0, 2, 3, 3], [0, 1, 2, 3]]), None)
    {'.txt': b'a cat\\na small cat\\n'}
    """
    names = tuple(names)
    if not names:
        raise ValueError("expected the names of a vocabulary, found none")
    if end is not None and end not in names:
        raise ValueError(f"expected an end that is one of the {len(names)} names of the vocabulary, found {end!r}")

    def encode(values, columns=None):
        return "".join(f"{_line(row, names, separator, end)}\n" for row in values).encode()

    return Kind(partial(_check, len(names)), {".txt": encode}, lambda values, columns: {".txt": encode(values)})


def _line(row, names, separator, end):
    words = [names[token] for token in row]
    return _printable(separator.join(words[: words.index(end)] if end in words else words))


def _printable(text):
    """The text with line breaks and other control characters as in Python's source, so that an example stays on its line."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def _check(vocabulary, name, values):
    values = examples(name, values, "tokens [N, T]", (2,))
    if values.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, found {values.dtype}")
    outside = values[(values < 0) | (values >= vocabulary)]
    if outside.size:
        raise ValueError(f"{name}: expected tokens from 0 to {vocabulary - 1}, the vocabulary's names, found {outside[0]}")
    return values
