import pytest

from jgan.run.collapse import collapse_warnings

WATCHED = {"variety/recall": 0.5, "variety/coverage": 0.5, "variety/classes": 0.9}


def records(**numbers):
    """One record per value, with others in between that do not have it, as between two scores."""
    found = []
    for name, values in numbers.items():
        for i, value in enumerate(values):
            found += [{"images": 100 * i, "loss": 1.0}, {"images": 100 * i + 50, f"variety/{name}": value}]
    return found


@pytest.mark.parametrize(
    ("numbers", "named"),
    [
        ({"recall": [0.4, 0.1, 0.1]}, ["recall"]),
        ({"recall": [0.1, 0.4, 0.3, 0.1, 0.15]}, ["recall"]),
        ({"coverage": [0.9, 0.4, 0.4]}, ["coverage"]),
        ({"classes": [10, 8, 8]}, ["classes"]),
        ({"recall": [0.4, 0.1, 0.1], "coverage": [0.9, 0.1, 0.1]}, ["recall", "coverage"]),
        ({"recall": [0.4, 0.1]}, []),  # once is no trend
        ({"recall": [0.4, 0.1, 0.3]}, []),  # it came back
        ({"recall": [0.4, 0.1, 0.1, 0.3]}, []),
        ({"recall": [0.4, 0.25, 0.25]}, []),  # less than half of it is gone
        ({"recall": [0.04, 0.0, 0.0]}, []),  # never was more than noise
        ({"recall": [0.1, 0.1]}, []),
        ({"recall": [0.4, None, 0.1, None, 0.1]}, ["recall"]),
        ({"classes": [10, 9, 9]}, []),
        ({"precision": [0.9, 0.1, 0.1]}, []),  # speaks of quality, not of variety
        ({}, []),
    ],
)
def test_drops_that_persist_are_named(numbers, named):
    assert [message.split()[0].removeprefix("variety/") for message in collapse_warnings(records(**numbers), WATCHED)] == named


def test_the_message_says_from_where_to_where():
    (message,) = collapse_warnings(records(recall=[0.2, 0.4, 0.15, 0.1]), WATCHED)
    assert "from 0.4 at 150 images to 0.1" in message
