import pytest

from jgan.data.tables import rows_of, tables_in


@pytest.mark.parametrize(
    ("files", "root", "expected"),
    [
        (["a.csv", "b.csv", "x/a.csv"], "", ["a.csv", "b.csv"]),
        (["x/y/a.csv", "x/y/red/0.png", "readme.txt"], "", ["x/y/a.csv"]),
        (["x/a.csv", "y/0.png"], "", []),
        (["x/a.csv", "y/z/a.csv"], "y/", ["y/z/a.csv"]),
        (["0.png"], "", []),
    ],
)
def test_places_of_tables(files, root, expected):
    assert tables_in(files, ("a.csv", "b.csv"), root) == expected


@pytest.mark.parametrize("text", ["file,hat\na,1,,\n\nb\n", 'file,hat\r\n"a",1\r\nb,\r\n'])
def test_rows_that_are_too_long_by_nothing_or_too_short(text):
    assert rows_of(text, "a.csv") == [{"file": "a", "hat": "1"}, {"file": "b", "hat": ""}]
