"""Parameters of published StyleGAN2 networks, given as arrays under their published names, as parameters of `jgan.models.stylegan2`."""

import re
from collections.abc import Mapping as Arrays
from typing import Any

import jax.numpy as jnp
import numpy as np

from jgan.types import Params, State

# Published name of a module: its path here. The number after `b` is a resolution, 4 2^level for square images.
_MODULES = [
    (r"mapping\.fc(\d+)", lambda m: ("mapping", f"dense_{m[1]}")),
    (r"mapping\.embed", lambda m: ("mapping", "embed")),
    (r"(?:synthesis\.)?b(\d+)\.(conv0|conv1|skip)", lambda m: (_level(m[1]), m[2])),
    (r"synthesis\.b(\d+)\.(conv0|conv1)\.affine", lambda m: (_level(m[1]), m[2], "style")),
    (r"synthesis\.b(\d+)\.torgb\.affine", lambda m: (_level(m[1]), "to_image", "style")),
    (r"synthesis\.b(\d+)\.torgb", lambda m: (_level(m[1]), "to_image")),
    (r"b4\.fromrgb", lambda m: ("from_image",)),
    (r"b(\d+)\.fromrgb", lambda m: (_level(m[1]), "from_image")),
    (r"b4\.conv", lambda m: ("conv",)),
    (r"b4\.fc", lambda m: ("dense",)),
    (r"b4\.out", lambda m: ("logits",)),
]
_IGNORED = ("resample_filter", "noise_const", "w_avg")  # filters are constants here, the other two are state


def generator_from_reference(arrays: Arrays[str, np.ndarray]) -> tuple[Params, State]:
    """Returns parameters and state of a generator, each {"mapping": ..., "synthesis": ...}.

    Args:
      arrays: "mapping.fc0.weight", "synthesis.b4.const", ...: weights [O, I] and [O, I, kh, kw] as published, float32.

    Raises:
      ValueError: if a name is not known, or a needed one is absent.
    """
    _require(arrays, "synthesis.b4.const", "mapping.w_avg")
    mapping = _convert({k: v for k, v in arrays.items() if k.startswith("mapping.")})["mapping"]
    blocks = {k: v for k, v in arrays.items() if k.startswith("synthesis.") and k != "synthesis.b4.const"}
    synthesis = _convert(blocks) | {"constant": _array(np.moveaxis(arrays["synthesis.b4.const"], 0, -1))}
    for level in (v for k, v in synthesis.items() if k.startswith("level_")):
        if "skip" in level:
            level["skip"] = level["skip"]["kernel"]
    state = {"mapping": {"average": {"w": _array(arrays["mapping.w_avg"])}}, "synthesis": {"noise": {"constant": _noise(arrays)}}}
    return {"mapping": mapping, "synthesis": synthesis}, state


def discriminator_from_reference(arrays: Arrays[str, np.ndarray]) -> tuple[Params, State]:
    """Returns parameters and state of a discriminator from "b32.conv0.weight", "b4.fc.weight", "mapping.embed.weight", ...

    Raises:
      ValueError: if a name is not known, or a needed one is absent.
    """
    _require(arrays, "b4.conv.weight", "b4.fc.weight")
    params = _convert(arrays)
    # The lowest level is flattened pixels first here, channels first there.
    weight, channels = arrays["b4.fc.weight"], arrays["b4.conv.weight"].shape[0]
    grid = weight.reshape(weight.shape[0], channels, -1).transpose(2, 1, 0)
    params["dense"]["kernel"] = _array(grid.reshape(-1, weight.shape[0]))
    if "mapping" not in params:
        return params, {}
    return params, {"average": {"mapping": {"w": jnp.zeros_like(params["mapping"]["embed"]["bias"])}}}


def networks_of(arrays: Arrays[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Sorts arrays "G_ema.synthesis.b4.const", "G. ...", "D. ..." by network; those without such a beginning are of "G_ema".

    Raises:
      ValueError: if there is no generator.

    >>> networks_of({"D.b4.out.bias": np.zeros(1), "synthesis.b4.const": np.zeros((1, 4, 4))}).keys()
    dict_keys(['D', 'G_ema'])
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, value in arrays.items():
        network, _, inner = name.partition(".")
        known = network in ("G", "D", "G_ema")
        found.setdefault(network if known else "G_ema", {})[inner if known else name] = value
    if not found.keys() & {"G", "G_ema"}:
        raise ValueError(f"expected a generator, as G_ema.synthesis.b4.const, among the arrays, found {sorted(arrays)[:5]} ...")
    return found


def settings_of(generator: Arrays[str, np.ndarray], discriminator: Arrays[str, np.ndarray] | None = None) -> dict[str, Any]:
    """Returns what a generator, and a discriminator beside it, are built of, found in their arrays: resolution, channels, channel_base,
    channel_max, latent_size, style_size, label_size, mapping_layers, and the architecture of both.

    Raises:
      ValueError: if a needed array is absent, or widths follow no rule.
    """
    _require(generator, "synthesis.b4.const", "synthesis.b4.conv1.weight", "mapping.fc0.weight")
    sizes = sorted({int(match[1]) for name in generator if (match := re.match(r"synthesis\.b(\d+)\.", name))})
    widths = [len(generator[f"synthesis.b{size}.conv1.weight"]) for size in sizes]
    base, most = widths[-1] * sizes[-1], widths[0]
    if sizes != [4 * 2**level for level in range(len(sizes))] or widths != [max(1, min(base // size, most)) for size in sizes]:
        found = dict(zip(sizes, widths, strict=True))
        raise ValueError(f"expected channels that are a number divided by the size, up to a maximum, found {found}")
    embed, first = generator.get("mapping.embed.weight"), generator["mapping.fc0.weight"]
    all_images = all(f"synthesis.b{size}.torgb.weight" in generator for size in sizes)
    found = {
        "resolution": sizes[-1],
        "channels": len(generator[f"synthesis.b{sizes[-1]}.torgb.weight"]),
        "channel_base": base,
        "channel_max": most,
        "latent_size": first.shape[1] - (0 if embed is None else len(embed)),
        "style_size": len(first),
        "label_size": 0 if embed is None else embed.shape[1],
        "mapping_layers": sum(re.fullmatch(r"mapping\.fc\d+\.weight", name) is not None for name in generator),
        "generator_architecture": "residual" if f"synthesis.b{sizes[-1]}.skip.weight" in generator else "skip" if all_images else "plain",
    }
    if not discriminator:
        return found
    several = sum(re.fullmatch(r"b\d+\.fromrgb\.weight", name) is not None for name in discriminator) > 1
    residual = f"b{sizes[-1]}.skip.weight" in discriminator
    return found | {"discriminator_architecture": "residual" if residual else "skip" if several else "plain"}


def _convert(arrays):
    tree = {}
    for name, value in arrays.items():
        module, _, leaf = name.rpartition(".")
        if leaf in _IGNORED:
            continue
        node = tree
        for part in _path(module, name):
            node = node.setdefault(part, {})
        node["kernel" if leaf == "weight" else leaf] = _array(_kernel(value) if leaf == "weight" else value)
    return tree


def _path(module, name):
    for pattern, path in _MODULES:
        if match := re.fullmatch(pattern, module):
            return path(match)
    raise ValueError(f"expected names of a published StyleGAN2, as synthesis.b8.conv0.weight, found {name!r}")


def _kernel(weight):
    return weight.T if weight.ndim == 2 else weight.transpose(2, 3, 1, 0)


def _noise(arrays):
    sizes = sorted({int(m[1]) for k in arrays if (m := re.match(r"synthesis\.b(\d+)\.", k))})

    def of(size):
        one = arrays[f"synthesis.b{size}.conv1.noise_const"]
        other = arrays.get(f"synthesis.b{size}.conv0.noise_const", np.zeros_like(one))
        return _array(np.stack([one, other], axis=-1)[None])

    return tuple(of(size) for size in sizes)


def _level(resolution):
    return f"level_{int(np.log2(int(resolution) // 4))}"


def _array(value):
    return jnp.asarray(value, jnp.float32)


def _require(arrays, *names):
    for name in names:
        if name not in arrays:
            raise ValueError(f"expected an array named {name!r} among those of the network, found {sorted(arrays)[:5]} ...")
