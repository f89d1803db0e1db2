import numpy as np
import pytest
from tests.data.sources import numbers, source_of

from jgan.data.combine import concatenate, in_class, map_examples, select, subset, unpaired, zip_sources

LABELLED = source_of(numbers(6), ("label",), {"label": ("a", "b", "c")}, "labelled")
IMAGES = select(LABELLED, image="image")._replace(name="images")
TOKENS = select(source_of(numbers(6, 50)), tokens="tokens")._replace(name="folder/tokens")
DOMAINS = unpaired(select(source_of(numbers(5)), input="image"), select(source_of(numbers(3, 100)), target="image", label="label"))


def same(example, expected):
    assert list(example) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(example[name], value)


def test_select_keeps_and_renames():
    chosen = select(LABELLED, picture="image", label="label")
    assert chosen.spec.shape("picture") == (4, 6, 3) and list(chosen.fields) == list(chosen.read(0)) == ["picture", "label"]
    assert chosen.names == {"label": ("a", "b", "c")} and chosen.columns["label"].tolist() == [0, 1, 2, 0, 1, 2]
    assert select(LABELLED, kind="label").columns["kind"] is LABELLED.columns["label"]
    assert select(LABELLED, image="image").columns == select(LABELLED, image="image").names == {}
    swapped = select(LABELLED, audio="tokens", tokens="audio")
    same(swapped.read(2), {"audio": LABELLED.read(2)["tokens"], "tokens": LABELLED.read(2)["audio"]})


def test_select_of_unpaired_sources():
    both = select(DOMAINS, a="target", b="input")
    assert [list(part.fields) for part in both.parts] == [["b"], ["a"]] and both.size == 5
    only = select(DOMAINS, image="target", label="label")
    assert only.parts == () and only.size == 3 and list(only.fields) == ["image", "label"]


def test_in_class():
    assert in_class(LABELLED, "b").tolist() == [False, True, False, False, True, False]
    for source, found in ((LABELLED, "labelled, a, b, c"), (IMAGES, "images, which has none")):
        with pytest.raises(ValueError, match=f"expected a class of {found}, found rose"):
            in_class(source, "rose")


def test_zip_joins_example_by_example():
    both = zip_sources(LABELLED, select(TOKENS, caption="tokens"))
    assert (both.name, both.size, both.names) == ("labelled+tokens", 6, {"label": ("a", "b", "c")})
    assert list(both.fields) == ["image", "label", "audio", "tokens", "caption"] and list(both.columns) == ["label"]
    same(both.read(4), LABELLED.read(4) | {"caption": TOKENS.read(4)["tokens"]})


def test_concatenate():
    more = source_of(numbers(4, 6), ("label",), {"label": ("a", "b", "c")}, "some/more")
    both = concatenate(LABELLED, more)
    assert (both.name, both.size, both.names) == ("labelled+more", 10, LABELLED.names)
    assert both.columns["label"].tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]
    for index in (0, 5, 6, 9, -1):
        same(both.read(index), {name: values[index] for name, values in numbers(10).items()})
    with pytest.raises(IndexError):
        both.read(10)


def test_concatenate_says_which_source_an_example_is_from():
    both = concatenate(LABELLED, LABELLED._replace(names={}, columns={}, name="b"), label="label", classes=("first", "second"))
    assert both.names == {"label": ("first", "second")} and both.columns["label"].tolist() == [0] * 6 + [1] * 6
    assert [both.read(index)["label"].item() for index in (2, 8)] == [0, 1] and both.read(8)["label"].dtype == np.int32
    named = concatenate(IMAGES, IMAGES._replace(name="others"), label="origin")
    assert named.names == {"origin": ("images", "others")} and list(named.fields) == list(named.read(0)) == ["image", "origin"]


def test_a_column_of_one_source_alone_is_read():
    both = concatenate(LABELLED, LABELLED._replace(columns={}))
    assert both.columns == {} and both.read(7)["label"] == 1


def test_rates_go_with_their_fields():
    sound = LABELLED._replace(rates={"audio": 8000.0})
    assert select(sound, voice="audio", label="label").rates == {"voice": 8000.0} and select(sound, image="image").rates == {}
    assert zip_sources(sound, select(TOKENS, caption="tokens")).rates == concatenate(sound, sound).rates == {"audio": 8000.0}
    assert map_examples(sound, lambda e: {"audio": e["audio"]}).rates == {"audio": 8000.0} and subset(sound, np.arange(2)).rates
    assert map_examples(sound, lambda e: {"image": e["image"]}).rates == {} and sound.spec.rate("audio") == 8000.0


def test_what_was_left_out_is_kept():
    damaged = {}
    first = IMAGES._replace(skipped=(("x.png", "empty"),), damaged=damaged)
    for source in (
        concatenate(first, IMAGES),
        zip_sources(first, TOKENS),
        unpaired(first, TOKENS),
        select(first, a="image"),
        map_examples(first, lambda e: e),
    ):
        assert source.skipped == (("x.png", "empty"),)
        damaged["y.png"] = "cut"  # noted while examples are read
        assert dict(source.damaged) == {"y.png": "cut"}
        damaged.clear()


def test_map_changes_every_example():
    mapped = map_examples(LABELLED, lambda e: {"loud": e["audio"] * 2, "label": e["label"], "mean": e["image"].mean()}, "louder")
    assert (mapped.name, mapped.size, mapped.names) == ("louder", 6, LABELLED.names)
    assert mapped.columns["label"].tolist() == [0, 1, 2, 0, 1, 2]
    assert {name: (f.shape, str(f.dtype)) for name, f in mapped.fields.items()} == {
        "loud": ((20,), "float32"),
        "label": ((), "int32"),
        "mean": ((), "float64"),
    }
    np.testing.assert_array_equal(mapped.read(3)["loud"], 2 * LABELLED.read(3)["audio"])


@pytest.mark.parametrize("change", [lambda label: label + np.int32(1), lambda label: np.int32(7)])
def test_map_of_a_column_leaves_no_column(change):
    mapped = map_examples(LABELLED, lambda e: e | {"label": change(e["label"])})
    assert mapped.columns == {} and mapped.read(1)["label"] == change(np.int32(1))


def test_map_that_changes_a_column_of_some_examples_only():
    mapped = map_examples(LABELLED, lambda e: e | {"label": e["label"] if e["label"] == 0 else np.int32(1)})
    assert mapped.read(3)["label"] == 0
    with pytest.raises(ValueError, match="expected label of example 2 of labelled as it was, the one of example 0, found it changed"):
        mapped.read(2)


def test_unpaired_sources_have_parts():
    assert (DOMAINS.size, len(DOMAINS.parts), DOMAINS.columns) == (5, 2, {})
    assert list(DOMAINS.fields) == ["input", "target", "label"]
    assert [int(DOMAINS.read(index)["target"].max()) for index in range(5)] == [100, 101, 102, 100, 101]
    with pytest.raises(IndexError):
        DOMAINS.read(5)


def test_unpaired_of_unpaired_is_flat():
    both = unpaired(DOMAINS, TOKENS)
    assert [part.size for part in both.parts] == [5, 3, 6] and list(both.fields) == ["input", "target", "label", "tokens"]


def test_a_subset_keeps_columns_and_order():
    few = subset(LABELLED, np.asarray([3, 0]))
    assert few.size == 2 and few.columns["label"].tolist() == LABELLED.columns["label"][[3, 0]].tolist()
    np.testing.assert_array_equal(few.read(0)["image"], LABELLED.read(3)["image"])
    with pytest.raises(IndexError):
        few.read(2)


ERRORS = {
    "subset unpaired": (lambda: subset(DOMAINS, np.arange(2)), "which is unpaired"),
    "no such field": (lambda: select(LABELLED, image="mask"), "with the fields mask, found image, label, audio, tokens in labelled"),
    "zip sizes": (lambda: zip_sources(IMAGES, select(source_of(numbers(5)), tokens="tokens")), r"found sizes \[5, 6\]"),
    "zip names": (lambda: zip_sources(LABELLED, IMAGES), "different fields, found sizes .6. and fields .*'image', 'label'.*'image'"),
    "zip unpaired": (lambda: zip_sources(DOMAINS, DOMAINS), "whole, found arrays, which is unpaired"),
    "concatenate shapes": (
        lambda: concatenate(IMAGES, map_examples(IMAGES, lambda e: {"image": e["image"][:2]})),
        r"of the same fields, found {'image': \(\(4, 6, 3\), 'uint8'\)} and {'image': \(\(2, 6, 3\), 'uint8'\)}",
    ),
    "concatenate fields": (lambda: concatenate(IMAGES, TOKENS), "of the same fields"),
    "concatenate names": (
        lambda: concatenate(LABELLED, LABELLED._replace(names={"label": ("b", "a", "c")}, name="other")),
        r"expected label to number the same names, found \('a', 'b', 'c'\) in labelled and \('b', 'a', 'c'\) in other",
    ),
    "concatenate rates": (
        lambda: concatenate(LABELLED._replace(rates={"audio": 8000.0}), LABELLED._replace(rates={"audio": 44_100.0})),
        "of the same rates, found {'audio': 8000.0} and {'audio': 44100.0}; convert one",
    ),
    "concatenate unpaired": (lambda: concatenate(DOMAINS, DOMAINS), "which is unpaired"),
    "map unpaired": (lambda: map_examples(DOMAINS, lambda e: e), "which is unpaired"),
    "unpaired names": (lambda: unpaired(IMAGES, LABELLED), "different fields, found .*; rename them with select"),
}


@pytest.mark.parametrize(("call", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()
