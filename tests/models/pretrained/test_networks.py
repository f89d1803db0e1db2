"""Whole networks in a pickle, as StyleGAN2-ADA publishes them: read without any of the code that they ask for."""

import io
import os
import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import pytest
from tests.models.pretrained import test_files

from jgan.models.pretrained.files import read_weights

NUMBERS = np.arange(6, dtype=np.float32)


class Called:
    """Pickled as the call of a function of a module that is not here."""

    def __init__(self, module, name, *arguments):
        self.call = getattr(sys.modules[module], name), arguments

    def __reduce__(self):
        return self.call


@pytest.fixture
def theirs(monkeypatch):
    """Stand-ins for the modules whose functions the pickle names; gone again when it is read."""
    names = {"torch._utils": ("_rebuild_tensor_v2", "_rebuild_parameter"), "torch.storage": ("_load_from_bytes",)}
    names |= {"torch_utils.persistence": ("_reconstruct_persistent_obj",), "dnnlib.util": ()}
    with monkeypatch.context() as patch:
        for module, functions in names.items():
            for path in (module.split(".")[0], module):
                patch.setitem(sys.modules, path, types.ModuleType(path))
            for name in functions:
                function = types.FunctionType((lambda *arguments: None).__code__, {}, name)
                function.__module__, function.__qualname__ = module, name
                setattr(sys.modules[module], name, function)
        easy = type("EasyDict", (dict,), {"__module__": "dnnlib.util"})
        sys.modules["dnnlib.util"].EasyDict = easy
        yield easy


def stored(path):
    """A storage of six numbers, in the bytes of another file."""
    identifier = test_files.many(
        test_files.text("storage"), b"ctorch\nFloatStorage\n", test_files.text("0"), test_files.text("cpu"), b"J\x06\0\0\0", b"N"
    )
    return test_files.write_legacy(path, b"\x80\x02" + identifier + b"Q.", {"0": (NUMBERS.tobytes(), 6)}).read_bytes()


def tensor(content, offset, shape, strides):
    storage = Called("torch.storage", "_load_from_bytes", content)
    return Called("torch._utils", "_rebuild_tensor_v2", storage, offset, shape, strides, False, OrderedDict())


def module(easy, parameters=(), buffers=(), **modules):
    state = {"training": False, "_parameters": OrderedDict(parameters), "_buffers": OrderedDict(buffers), "_modules": OrderedDict(modules)}
    state |= {"_init_kwargs": easy(size=3), "_non_persistent_buffers_set": set(), "_backward_hooks": OrderedDict()}
    meta = easy(type="class", version=6, module_src="raise SystemExit", class_name="Layer", state=state)
    return Called("torch_utils.persistence", "_reconstruct_persistent_obj", meta)


def written(path, networks, protocol=4):
    file = io.BytesIO()
    pickle.dump(networks, file, protocol)
    path.write_bytes(file.getvalue())
    return path


@pytest.fixture(params=[3, 4])
def published(theirs, tmp_path, request):
    content = stored(tmp_path / "storage")
    weight = Called("torch._utils", "_rebuild_parameter", tensor(content, 0, (2, 3), (3, 1)), True, OrderedDict())
    layer = module(theirs, {"weight": weight, "bias": None}.items(), {"w_avg": tensor(content, 4, (2,), (1,))}.items())
    networks = {"G": module(theirs, b4=layer), "D": layer, "G_ema": module(theirs, synthesis=module(theirs, b4=layer))}
    return written(tmp_path / "network.pkl", {**networks, "training_set_kwargs": theirs(path="x"), "augment_pipe": None}, request.param)


def test_tensors_of_networks(published):
    found = read_weights(published)
    assert set(found) == {f"{layer}.{name}" for layer in ("G.b4", "D", "G_ema.synthesis.b4") for name in ("weight", "w_avg")}
    for name, values in found.items():
        np.testing.assert_array_equal(values, NUMBERS.reshape(2, 3) if name.endswith("weight") else NUMBERS[4:])


def test_code_is_refused_and_not_run(theirs, tmp_path):
    evil = module(theirs, b4=test_files.Evil(tmp_path / "it_ran"))
    path = written(tmp_path / "network.pkl", {"G_ema": evil})
    with pytest.raises(ValueError, match=rf"asks for {os.system.__module__}\.system, .* refused, nothing of it was run"):
        read_weights(path)
    assert not (tmp_path / "it_ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1, 2]), "expected networks by name, found list"),
        (b"\x80\x02ctorch.storage\n_load_from_bytes\n(C\x03abct R.", "cannot read network.pkl"),
        (b"\x80\x02cdnnlib.tflib.network\nNetwork\n.", r"asks for dnnlib\.tflib\.network\.Network"),
        (b"", "cannot read network.pkl"),
    ],
)
def test_what_is_no_network_is_refused(tmp_path, content, message):
    (tmp_path / "network.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_weights(tmp_path / "network.pkl")
