"""Networks of StyleGAN2 and StyleGAN2-ADA that their authors published."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from jgan.models.stylegan2_weights import discriminator_from_reference, generator_from_reference, networks_of, settings_of
from jgan.run.system import Published
from jgan.types import Spec


def published(config: type, arrays: Mapping[str, np.ndarray]) -> Published:
    """Returns what arrays are that have the names that their authors gave them: G_ema.synthesis.b4.const, D.b4.out.bias, ...

    The published average is the average of the state, and, where there is none beside it, its generator too. Without a discriminator the
    state keeps its fresh one. Optimizers, the strength of the augmentation and the mean of the path lengths begin anew.

    Args:
      config: the class of the configuration.
      arrays: by name.

    Raises:
      ValueError: if they are of no such networks.
    """
    networks = networks_of(arrays)
    mean, other = (networks.get(name) or networks[default] for name, default in (("G_ema", "G"), ("G", "G_ema")))
    settings = settings_of(mean, networks.get("D"))
    side, channels, classes = settings["resolution"], settings["channels"], settings.pop("label_size")
    fields = {"image": jax.ShapeDtypeStruct((side, side, channels), np.uint8)}
    fields |= {"label": jax.ShapeDtypeStruct((), np.int32)} if classes else {}
    (params, _), (average, carried) = (generator_from_reference(one) for one in (other, mean))

    def place(state: Any) -> Any:
        state = state._replace(generator=state.generator._replace(params=params, state=carried), average=average)
        if "D" not in networks:
            return state
        params_d, carried_d = discriminator_from_reference(networks["D"])
        return state._replace(discriminator=state.discriminator._replace(params=params_d, state=carried_d))

    names = {"label": tuple(map(str, range(classes)))} if classes else {}
    return Published(config(**settings, conditional=classes > 0), Spec(fields, names), place)
