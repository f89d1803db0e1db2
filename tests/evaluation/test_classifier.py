import os
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.run.stripes import source_of, stripes

from jgan.evaluation import classifier
from jgan.evaluation.classifier import classification_accuracy_score, classifier_features, real_batches


def train(source, folder, **settings):
    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        return classifier_features(source, folder, **settings)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def labelled():
    images, labels = stripes(200)
    return source_of(images, labels)


@pytest.fixture(scope="module")
def features(labelled, folder):
    return train(labelled, folder, steps=12, batch=32)


def test_features_are_trained_once_and_named_by_their_weights(labelled, features, folder, monkeypatch, capsys):
    assert features.protocol["held_out_accuracy"] > 0.9
    assert features.name.startswith("classifier-stripes-16px-")
    monkeypatch.setattr("jgan.evaluation.classifier._train", lambda *args, **settings: pytest.fail("trained again"))
    again = classifier_features(labelled, folder, steps=12, batch=32)
    assert again.name == features.name and again.protocol == features.protocol
    jax.tree.map(np.testing.assert_array_equal, again.params, features.params)
    assert "of held-out labels right (chance 50.0%)" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["seed", "image", "labels"])
def test_other_settings_or_data_are_another_training(labelled, folder, features, monkeypatch, change):
    images, labels = stripes(200, seed=1 if change == "image" else 0)
    source = source_of(images, labels if change != "labels" else 1 - labels)
    monkeypatch.setattr("jgan.evaluation.classifier._train", lambda *args, **settings: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        classifier_features(source, folder, steps=12, batch=32, seed=1 if change == "seed" else 0)


@pytest.mark.parametrize("labels", [None, "one class"])
def test_without_labels_to_tell_apart_rotations_are_learnt(tmp_path, labels):
    images, _ = stripes(160, height=16, width=20)
    images[:, :8] //= 4  # upright images are dark above
    features = train(source_of(images, labels and np.zeros(160, np.int32)), tmp_path, steps=20, batch=32)
    assert features.protocol["task"] == "rotations" and features.protocol["classes"] == 4
    assert features.protocol["held_out_accuracy"] > 0.9
    assert "16x20px" in features.name


@pytest.mark.parametrize(
    ("accuracies", "most", "kept", "steps"),
    [
        ([0.96], 1_000, 0.96, 4),  # good enough
        ([0.7], 0, 0.7, 4),
        ([0.7, 0.8, 0.9], 16, 0.9, 16),
        ([0.7, 0.8], 15, 0.8, 8),
        ([0.7, 0.8, 0.805], 1_000, 0.8, 8),  # no longer better
    ],
)
def test_a_classifier_learns_while_it_gets_better(labelled, tmp_path, monkeypatch, accuracies, most, kept, steps):
    left = iter(accuracies)
    monkeypatch.setattr(classifier, "_accuracy", lambda *_, **__: next(left))
    protocol = train(labelled, tmp_path, steps=4, most=most, batch=32).protocol
    assert (protocol["held_out_accuracy"], protocol["steps_taken"], list(left)) == (kept, steps, [])


def test_features_that_only_guess_are_warned_about(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (400, 16, 16, 3), dtype=np.uint8)
    with pytest.warns(UserWarning, match="close to guessing rotations"):
        train(source_of(noise), tmp_path, steps=2, batch=32)


def header_of_much(path):
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("params/Dense_0/bias.npy", b"\x93NUMPY\x01\0" + len(header).to_bytes(2, "little") + header)


DAMAGES = {
    "npz cut": lambda stem: stem.with_suffix(".npz").write_bytes(stem.with_suffix(".npz").read_bytes()[:1000]),
    "npz absent": lambda stem: stem.with_suffix(".npz").unlink(),
    "npz of others": lambda stem: np.savez(stem.with_suffix(".npz"), a=np.zeros(3)),
    "npz of pickles": lambda stem: np.savez(stem.with_suffix(".npz"), a=np.array([{}], object)),
    "npz of much": lambda stem: header_of_much(stem.with_suffix(".npz")),
    "json cut": lambda stem: stem.with_suffix(".json").write_text("{"),
    "json of others": lambda stem: stem.with_suffix(".json").write_text("[]"),
    "json deep": lambda stem: stem.with_suffix(".json").write_text("[" * 100_000),
    "json of text": lambda stem: stem.with_suffix(".json").write_text(stem.with_suffix(".json").read_text().replace("1.0", '"all"')),
    "json pipe": lambda stem: (stem.with_suffix(".json").unlink(), os.mkfifo(stem.with_suffix(".json"))),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_what_was_kept_and_is_damaged_is_made_anew(labelled, features, folder, tmp_path, monkeypatch, damage):
    (name,) = (path.stem for path in folder.glob("*.npz"))
    for suffix in (".npz", ".json"):
        (tmp_path / name).with_suffix(suffix).write_bytes((folder / name).with_suffix(suffix).read_bytes())
    damage(tmp_path / name)
    monkeypatch.setattr("jgan.evaluation.classifier._train", lambda *args, **settings: features.params)
    with pytest.warns(UserWarning, match=f"{name}, a network that was kept, cannot be read and is trained anew: "):
        again = classifier_features(labelled, tmp_path, steps=12, batch=32)
    assert again.name == features.name
    monkeypatch.setattr("jgan.evaluation.classifier._train", lambda *args, **settings: pytest.fail("trained again"))
    assert classifier_features(labelled, tmp_path, steps=12, batch=32).name == features.name


def test_what_cannot_be_kept_is_used(labelled, features, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setattr("jgan.evaluation.classifier._train", lambda *args, **settings: features.params)
    with pytest.warns(UserWarning, match="is not kept: .*file"):
        assert classifier_features(labelled, tmp_path / "file", steps=12, batch=32).name == features.name


@pytest.mark.parametrize(("count", "batch", "message"), [(9, 32, "at least 10 images .* found 9 .*--score-kimg 0"), (20, 30, "found 30")])
def test_too_few_images_or_an_odd_batch_are_refused(tmp_path, count, batch, message):
    with pytest.raises(ValueError, match=message):
        classifier_features(source_of(*stripes(count)), tmp_path, batch=batch)


def test_a_classifier_of_generated_images_is_scored_on_real_ones(labelled):
    images, labels = stripes(200, seed=3)

    def batches(wrong):
        for start in range(0, 128, 32):
            rows = slice(start, start + 32)
            yield {"image": jnp.asarray(images[rows], jnp.float32) / 127.5 - 1.0, "label": jnp.asarray(labels[rows] ^ wrong)}

    with jax.numpy_dtype_promotion("standard"):  # optax promotes implicitly
        settings = dict(n=100, steps=12, batch=32)
        assert classification_accuracy_score(batches(False), labelled, **settings) > 0.9
        assert classification_accuracy_score(batches(True), labelled, **settings) < 0.1


def test_the_accuracy_score_needs_as_many_images_as_it_says(labelled):
    with pytest.raises(ValueError, match="expected 100 generated images, found 64"):
        classification_accuracy_score(real_batches(labelled, 64), labelled, n=100)


def test_real_images_as_a_baseline(labelled):
    batches = list(real_batches(labelled, 40, seed=1, batch=16))
    assert [len(batch["image"]) for batch in batches] == [16, 16, 16]
    known = {labelled.read(i)["image"].tobytes(): labelled.read(i)["label"] for i in range(200)}
    for batch in batches:
        assert [known[image.tobytes()] for image in batch["image"]] == batch["label"].tolist()
    again, other = (next(real_batches(labelled, 40, seed=seed, batch=16)) for seed in (1, 2))
    np.testing.assert_array_equal(batches[0]["image"], again["image"])
    assert not np.array_equal(again["image"], other["image"])
    with pytest.raises(ValueError, match="expected real images with labels, found none in folder/stripes.zip: open it with labels=True"):
        next(real_batches(source_of(stripes(20)[0]), 4))


@pytest.mark.parametrize("real", [True, False])
def test_the_accuracy_score_needs_labels(labelled, real):
    test = labelled if real else source_of(stripes(20)[0])
    with pytest.raises(ValueError, match="expected (real|generated) images with labels, found none"):
        classification_accuracy_score([{"image": jnp.zeros((8, 16, 16, 3))}], test)
