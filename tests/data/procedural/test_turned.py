import numpy as np
import pytest

from jgan.data.procedural import shapes
from jgan.data.procedural.turned import DOMAINS, at, open_turned, scene


def test_angles_are_uniform():
    angles = np.rad2deg([scene("train", 0, index).shapes[0].angle for index in range(300)])
    assert -75 <= angles.min() < -73 and 73 < angles.max() <= 75
    assert np.histogram(angles, bins=5, range=(-75, 75))[0].min() > 40


def test_a_scene_depends_on_split_domain_and_index():
    plain = scene("train", 0, 3)
    assert plain == scene("train", 0, 3) and (plain.shapes[0].kind, plain.shapes[0].colour) == ("heart", "red")
    angles = [s.shapes[0].angle for s in (plain, scene("train", 0, 4), scene("train", 1, 3), scene("test", 0, 3))]
    assert len(set(angles)) == 4


@pytest.mark.parametrize("split", ["train", "test"])
def test_both_domains_unpaired(split):
    source = open_turned(split, 16, limit=5)
    assert [part.size for part in source.parts] == [5, 5] and list(source.fields) == ["input", "target"]
    for domain, field in enumerate(source.fields):
        np.testing.assert_array_equal(source.read(2)[field], shapes.render(scene(split, domain, 2), 16))
        with pytest.raises(IndexError):
            source.parts[domain].read(5)


@pytest.mark.parametrize(("split", "limit", "size"), [("train", None, 4000), ("test", None, 1000), ("test", 2000, 1000)])
def test_sizes(split, limit, size):
    assert open_turned(split, 16, limit=limit).size == size


def test_an_unknown_split():
    with pytest.raises(ValueError, match="expected the split 'train' or 'test', found 'val'"):
        open_turned("val", 16)


@pytest.mark.parametrize("domain", range(len(DOMAINS)))
def test_a_known_angle(domain):
    (shape,) = at(0.5, domain).shapes
    assert (shape.kind, shape.colour) == DOMAINS[domain] and shape.angle == 0.5
