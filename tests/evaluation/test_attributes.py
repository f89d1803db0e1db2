import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.stripes import source_of, stripes

from jgan.data.attributes import with_attributes
from jgan.data.labels import Labels
from jgan.evaluation.attributes import attribute_scores, confusions, edit_scores, read_attributes, shares_right, train_attributes

VALUES = {"side": ("left", "top"), "tone": ("dark", "light", "pale")}


def striped(count, seed=0):
    """Stripes from the left or the top, dark, light or pale: two attributes that do not depend on each other."""
    images, sides = stripes(count, seed=seed)
    tones = np.random.default_rng(seed + 100).integers(0, 3, count)
    images = (images * np.asarray([0.3, 0.6, 0.9])[tones, None, None, None]).astype(np.uint8)
    columns = {name: Labels(values.astype(np.int32), VALUES[name]) for name, values in {"side": sides, "tone": tones}.items()}
    return with_attributes(source_of(images), columns)


def train(source, folder, **settings):
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        return train_attributes(source, folder, steps=40, batch=32, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("attributes")


@pytest.fixture(scope="module")
def classifier(folder):
    return train(striped(300), folder)


def test_attributes_are_learnt_once_and_named_by_the_weights(classifier, folder, monkeypatch):
    assert list(classifier.accuracy) == ["side", "tone"] and min(classifier.accuracy.values()) > 0.9
    assert classifier.name.startswith("attributes-stripes-16px-") and classifier.values == VALUES
    monkeypatch.setattr("jgan.evaluation.attributes.fit", lambda *args, **settings: pytest.fail("trained again"))
    again = train(striped(300), folder)
    assert (again.name, again.accuracy, again.protocol) == (classifier.name, classifier.accuracy, classifier.protocol)
    jax.tree.map(np.testing.assert_array_equal, again.params, classifier.params)


@pytest.mark.parametrize("change", ["seed", "data"])
def test_other_settings_or_data_are_another_training(classifier, folder, monkeypatch, change):
    monkeypatch.setattr("jgan.evaluation.attributes.fit", lambda *args, **settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train(striped(300, seed=change == "data"), folder, seed=change == "seed")


def test_scores_of_an_edit(classifier):
    source = striped(230, seed=5)
    images = np.stack([source.read(index)["image"] for index in range(230)])
    before = source.columns["attributes"]
    found = read_attributes(classifier, images)
    assert found.dtype == np.int8 and shares_right(before, found, VALUES)["tone"] > 0.9
    np.testing.assert_array_equal(read_attributes(classifier, jnp.asarray(images, jnp.float32) / 127.5 - 1.0), found)
    turned = np.where(before[:, :1] == [0], [1, 0], [0, 0])[:, :1]  # the side that an edit should give
    wanted = np.concatenate([turned, before[:, 1:]], axis=1)
    scores = edit_scores(classifier, images.transpose(0, 2, 1, 3), wanted)
    assert scores["right/side"] > 0.9 and scores["right/tone"] > 0.9 and scores["held_out/side"] == classifier.accuracy["side"]
    assert edit_scores(classifier, images, wanted)["right/side"] < 0.1


def test_what_cannot_be_seen_is_not_counted():
    wanted, found = np.asarray([[0, 2], [1, 1], [1, 0]]), np.asarray([[1, 2], [1, 0], [1, 1]])
    visible = np.asarray([[False, True], [True, True], [True, False]])
    assert shares_right(wanted, found, VALUES) == {"side": 2 / 3, "tone": 1 / 3}
    assert shares_right(wanted, found, VALUES, visible) == {"side": 1.0, "tone": 0.5}
    assert np.isnan(shares_right(wanted, found, VALUES, np.zeros((3, 2), bool))["side"])
    tables = confusions(wanted, found, VALUES, visible)
    assert tables["side"].tolist() == [[0, 0], [0, 2]] and tables["tone"].tolist() == [[0, 0, 0], [1, 0, 0], [0, 0, 1]]


def test_what_is_hidden_is_not_learnt(tmp_path):
    """Where the wrong values are marked as hidden, the right ones are learnt from the rest."""
    source = striped(300)
    wrong = np.random.default_rng(1).random((300, 2)) < 0.4
    columns = {"attributes": np.where(wrong, 0, source.columns["attributes"]).astype(np.int8), "visible": ~wrong}
    fields = {name: jax.ShapeDtypeStruct((2,), values.dtype) for name, values in columns.items()}
    source = source._replace(
        fields={**source.fields, **fields},
        columns=columns,
        read=lambda index, read=source.read: read(index) | {name: values[index] for name, values in columns.items()},
    )
    clean = striped(100, seed=7)
    found = read_attributes(train(source, tmp_path), np.stack([clean.read(index)["image"] for index in range(100)]))
    assert min(shares_right(clean.columns["attributes"], found, VALUES).values()) > 0.9


def test_what_cannot_be_learnt_or_read_is_refused(classifier, tmp_path):
    with pytest.raises(ValueError, match="expected images with named attributes, found image in"):
        train(source_of(stripes(20)[0]), tmp_path)
    with pytest.raises(ValueError, match="expected at least 10 images, found 9"):
        train(striped(9), tmp_path)
    with pytest.raises(ValueError, match=r"expected images \[N, 16, 16, 3\] for attributes-stripes.*found \(2, 20, 20, 3\)"):
        read_attributes(classifier, np.zeros((2, 20, 20, 3), np.uint8))


def test_scores_are_log_odds(classifier):
    images = striped(30, seed=7).read(3)["image"][None]
    side, tone = np.split(attribute_scores(classifier, np.repeat(images, 3, axis=0)), [2], axis=1)
    for odds in (side, tone):
        np.testing.assert_allclose((1 / (1 + np.exp(-odds.astype(np.float64)))).sum(axis=1), 1, rtol=1e-4)
    most = np.stack([side.argmax(axis=1), tone.argmax(axis=1)], axis=1)
    np.testing.assert_array_equal(most, read_attributes(classifier, np.repeat(images, 3, axis=0)))
