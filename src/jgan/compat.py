"""Every name of JAX that is not promised to stay, imported once: where the next JAX release breaks something, it is mended here.

`jax.core`, `jax.extend`, `jax.interpreters`, `jax.experimental` and `jaxlib` are outside of JAX's promise
(https://docs.jax.dev/en/latest/api_compatibility.html); whoever needs them imports from here. All of these names are in JAX 0.10 to 0.12;
"since" is the earliest release that was seen to have them. Together they take less than 0.1 s to import.
"""

import os

import jaxlib as jaxlib  # the version of what runs the programs
from jax._src.lib import utils as _utils  # absl_set_min_log_level, which `jax.config.jax_logging_level` calls; since 0.4.36  # pyright: ignore[reportPrivateImportUsage]
from jax.core import eval_jaxpr as eval_jaxpr  # (jaxpr, consts, *arguments) -> outputs: a traced program on other constants; since 0.2.21
from jax.experimental import multihost_utils as multihost_utils  # agreement between processes: barriers, preemption; since 0.3.25
from jax.experimental import topologies as topologies  # devices that are not here, to compile for; since 0.4.12
from jax.extend.core import Primitive as Primitive  # operations with their own derivatives and batching; since 0.4.30
from jax.extend.random import define_prng_impl as define_prng_impl  # generators of random numbers; since 0.4.31
from jax.interpreters import ad as ad  # derivatives of primitives: defjvp, defbilinear, deflinear2, primitive_transposes; since 0.2.21
from jax.interpreters import batching as batching  # primitives under vmap: primitive_batchers; since 0.2.21
from jax.interpreters import mlir as mlir  # programs of primitives: register_lowering, lower_fun; since 0.3.0

FATAL = 3  # of the levels of the C++ log: information, warnings, errors, fatal errors


def quiet_xla() -> None:
    """Keeps off standard error what XLA prints, of slow compilations say: what goes wrong is an exception of Python as well.

    TF_CPP_MIN_LOG_LEVEL=0 in the environment lets it print, as does any other level but 1, which JAX sets by itself.
    """
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1") == "1":
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = str(FATAL)  # for plugins that are loaded later
        getattr(_utils, "absl_set_min_log_level", lambda level: None)(FATAL)
