import jax
import numpy as np
import pytest

from jgan import outputs
from jgan.run.system import Sampling
from jgan.run.writer import as_shown, kinds_shown
from jgan.types import Spec

FIELDS = {"image": ((8, 8, 3), np.uint8), "mask": ((8, 8, 1), np.uint8), "hidden": ((8, 8, 5), np.uint8), "caption": ((3,), np.int32)}
FIELDS |= {"attributes": ((2,), np.float32), "label": ((), np.int32)}
SPEC = Spec({name: jax.ShapeDtypeStruct(*about) for name, about in FIELDS.items()}, {"caption": ("a", "b"), "attributes": ("hat", "beard")})


@pytest.mark.parametrize(
    ("conditions", "truth", "shown"),
    [
        (("mask", "label"), ("image",), ["mask", "image", "real_image"]),  # what was drawn does not hide what it should be
        (("hidden", "attributes", "caption"), (), ["caption", "image"]),  # what cannot be shown is left out
    ],
)
def test_what_is_shown(conditions, truth, shown):
    sampling = Sampling(lambda key, n: {}, {"image": outputs.image()}, conditions=conditions, truth=truth)
    assert list(kinds_shown(sampling, SPEC)) == shown
    rows = {name: np.zeros((1, *SPEC.shape(name)), SPEC.fields[name].dtype) for name in (*conditions, *truth)}
    assert set(shown) <= set(as_shown(sampling, rows, {"image": np.ones((1, 8, 8, 3), np.float32)}))
