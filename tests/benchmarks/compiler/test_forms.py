"""All formulations of an operation give the same numbers."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from benchmarks.compiler import forms

SIZES = forms.Sizes(batch=2, resolution=8, channels=4, dtype=jnp.float32)


@pytest.mark.parametrize("name", forms.OPERATIONS)
def test_forms_agree(name):
    functions, arguments = forms.alternatives(name, SIZES)
    results = [jax.jit(function)(*arguments) for function in functions.values()]
    assert len(results) >= 2 and any(np.abs(leaf).max() > 1e-3 for leaf in jax.tree.leaves(results[0]))
    for result in results[1:]:
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4 * np.abs(a).max()), results[0], result)


def test_what_is_printed(capsys):
    forms.main(operations=("filter",), resolutions=(8,), channels=4, batch=2, repeats=1)
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["benchmark"], line["operation"], line["resolution"], line["dtype"]) == ("forms", "filter", 8, "float32")
    assert line["of_used"]["by_platform"]["median"] == 1 and line["ms"]["depthwise"]["low"] > 0 and "commit" in line


def test_what_is_printed_of_other_devices(capsys, monkeypatch):
    monkeypatch.setattr(forms.ahead_of_time, "devices_of", lambda target, description: jax.devices()[:1])
    forms.main(operations=("filter",), resolutions=(8,), channels=4, batch=2, bfloat16=True, targets=("v5e",))
    (line,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert line["dtype"] == "bfloat16" and line["targets"]["v5e"]["one_sum"]["gflops"] > 0 and "ms" not in line


def test_mistakes():
    with pytest.raises(ValueError, match="expected operations out of filter, .* found 'filters'"):
        forms.main(operations=("filters",))
