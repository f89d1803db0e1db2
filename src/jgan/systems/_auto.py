"""What StyleGAN2's preset `auto` chooses for a set of images and a machine, and why; and what all presets leave to the machine.

On accelerators the batch, R1, the average and the channels are by the rule that the authors give for sets that they have not tuned: Karras
et al. 2020, https://arxiv.org/abs/2006.06676, appendix C. On CPUs they are those of the preset flowers64, which was measured.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from jgan.data.open import open_collection, usable_of
from jgan.data.reading import checked_reading
from jgan.data.settings import ImageSettings, open_images, size_of
from jgan.models.stylegan2 import Plan, plan
from jgan.run.system import Chosen
from jgan.sharding import devices_for, first_devices

LEAST, MOST, MOST_ON_CPU = 8, 256, 64  # pixels of a side, unless one is asked for
LOOKED_AT = 200  # images, evenly spaced over the set
SCORED = 16  # pixels of a side, from which on the classifier of the score can look at an image
PER_CLASS = 50  # images of a class, on average, from which on classes are learned
COPIES = 11  # of the activations of one network that a step holds at once: seen in programs compiled for an H200
STATE_GIB = 1.5  # parameters, moments and averages of the largest networks
SHARE = 0.85  # of the memory of a device that a step may take
CHANNELS = {1: "the images are grey", 3: "the images are in colour", 4: "the images have an alpha channel; --channels 3 puts them on white"}


class Set(NamedTuple):
    """A set of images."""

    images: int
    side: int  # the median of the shorter sides, pixels
    classes: int  # 0 without labels
    channels: tuple[int, ...] = (3,)  # numbers of them that occur


class Machine(NamedTuple):
    """What a run is to be made on."""

    platform: str  # cpu, gpu, tpu
    devices: int
    memory_gib: float | None  # of a device, where it is known


def fit(config: ImageSettings, given: Mapping[str, Any]) -> dict[str, Chosen]:
    """Returns what suits the data of a configuration and this machine; see `choose`."""
    return choose(look(config), machine(len(first_devices(given.get("devices")))), given)


def complete(config: Any) -> dict[str, Chosen]:
    """Chooses the number of microbatches of a configuration of `jgan.systems.stylegan` that has none, where the memory is known."""
    found = machine(len(devices_for([config.batch], config.devices)))
    if config.microbatches or found.memory_gib is None:
        return {}
    levels = plan(size_of(config), config.channel_base, config.channel_max, config.half_levels)
    return {"microbatches": Chosen(parts(levels, config.batch, found), f"a device has {found.memory_gib:.0f} GiB")}


def machine(devices: int | None) -> Machine:
    """Returns this machine with this number of its devices in use, or all."""
    limit = (jax.local_devices()[0].memory_stats() or {}).get("bytes_limit")
    return Machine(jax.default_backend(), devices or jax.device_count(), limit and limit / 2**30)


def parts(levels: Plan, batch: int, machine: Machine) -> int:
    """Returns the smallest number of microbatches with which a batch fits into the memory of the devices: 1 where it is not known.

    >>> large = plan(1024, 32768, 512, half_levels=4)
    >>> [parts(large, 32, Machine("gpu", 1, gib)) for gib in (139.0, 79.0, 39.0, 8.0)]
    [1, 1, 2, 16]
    """
    each = batch // machine.devices
    image = (
        COPIES
        * sum(height * width * channels * (2 if half else 4) for (height, width), channels, half in zip(*levels, strict=True))
        / 2**30
    )
    free = math.inf if machine.memory_gib is None else SHARE * machine.memory_gib - STATE_GIB
    fitting = (n for n in range(1, each + 1) if each % n == 0 and image * each / n <= free)
    return next(fitting, max(1, each))


def look(config: ImageSettings) -> Set:
    """Looks at some of the images of a configuration; embedded sets that are drawn at any size have the one that is asked for."""
    if config.data.split(":")[0] == "faces":
        source = open_images(config)
        return Set(source.size, config.resolution, len(source.names.get("label", ())), (source.fields["image"].shape[-1],))
    reading = checked_reading(config.bit_depth, config.max_unpacked)
    collection = open_collection(config.data, config.split, config.limit, None, reading=reading)
    usable = usable_of(collection, config.data, LOOKED_AT, None)
    shapes = [stored["image"] for _, stored in usable.found]
    side = int(np.median([min(shape[:2]) for shape in shapes]))
    images = min(len(collection.names), config.limit or len(collection.names))
    return Set(images, side, len(usable.classes.get("label", ())), tuple(sorted({shape[2] for shape in shapes})))


def choose(data: Set, machine: Machine, given: Mapping[str, Any]) -> dict[str, Chosen]:
    """Chooses settings of `jgan.systems.stylegan.Config`: (value, reason) by field. What is given is not chosen, and the rest fits it.

    >>> found = choose(Set(2000, 500, 0), Machine("gpu", 1, 80.0), {"batch": 32})
    >>> found["resolution"].value, round(found["r1_weight"].value, 2), "batch" in found
    (256, 0.41, False)
    """
    small = machine.platform == "cpu"
    chosen = _of_data(data, MOST_ON_CPU if small else MOST, given)
    side = given.get("resolution") or chosen["resolution"].value
    conditional = given["conditional"] if "conditional" in given else chosen["conditional"].value
    chosen |= _on_cpu(side, given) if small else _on_accelerators(side, machine, given)
    if side < SCORED:
        chosen["score_kimg"] = Chosen(0, f"no score: it needs images of {SCORED} pixels or more")
    if conditional:
        chosen["style_mixing"] = Chosen(0, "classes are learned, as in the presets that learn them")
    return {name: choice for name, choice in chosen.items() if name not in given}


def _of_data(data, most, given):
    side = max(LEAST, min(most, 2 ** int(np.log2(max(data.side, 1)))))
    reason = f"the shorter side of the images is {data.side} pixels (median)"
    if data.side >= 2 * most:
        reason += f"; more than {most} takes much longer here, --resolution asks for it"
    each = data.images / data.classes if data.classes else 0
    learns = data.classes > 1 and each >= PER_CLASS
    found = f"{data.classes} classes of {each:.0f} images on average; from {PER_CLASS} on they are learned"
    known = found if data.classes else "the images have no classes"
    return {"resolution": Chosen(side, reason), "channels": _channels(data.channels), "conditional": Chosen(learns, known)}


def _channels(found):
    """As the images have them, in colour where they differ: one that was not looked at would end the run otherwise."""
    if len(found) == 1:
        return Chosen(found[0], CHANNELS[found[0]])
    return Chosen(3, f"the images differ in their channels, {' and '.join(map(str, found))}; grey and transparent ones are converted")


def _on_cpu(side, given):
    small = "a small network, for a CPU"
    sizes = {"channel_base": 1024, "channel_max": 64, "latent_size": 64, "style_size": 64, "mapping_layers": 2, "path_every": 0}
    kimg = given.get("kimg") or (60 if side >= MOST_ON_CPU else 100)
    return {
        "batch": Chosen(8, "as measured with the preset flowers64"),
        **{name: Chosen(value, small) for name, value in sizes.items()},
        "r1_weight": Chosen(0.5, "as measured with the preset flowers64"),
        "augment": Chosen("none", "the run is too short for the strength to rise"),
        "kimg": Chosen(kimg, "about half an hour on two cores" if side <= MOST_ON_CPU else "longer, at this resolution"),
        "score_kimg": Chosen(kimg / 4, "four scores"),
        "checkpoint_kimg": Chosen(kimg / 4, "with the scores"),
        "sample_kimg": Chosen(5, "a look every few minutes"),
    }


def _on_accelerators(side, machine, given):
    batch = given.get("batch") or max(min(machine.devices * min(4096 // side, 32), 64), machine.devices)
    return {
        "batch": Chosen(batch, f"4096 / resolution, 32 at most, on each of {machine.devices} devices; 64 at most in all"),
        "channel_base": Chosen(32768 if side >= 512 else 16384, "by the resolution"),
        "mapping_layers": Chosen(2, "as published for sets that are not tuned for"),
        "half_levels": Chosen(4, "bfloat16 in the highest levels"),
        "learning_rate": Chosen(0.002 if side >= 1024 else 0.0025, "by the resolution"),
        "r1_weight": Chosen(0.0002 * side**2 / batch, "0.0002 pixels / batch; try factors of 2 up and down"),
        "average_kimg": Chosen(batch * 10 / 32, "10 batch / 32"),
        "augment": Chosen("ada", "its strength stays low where there are images enough"),
        "kimg": Chosen(25_000, "as published; end it with Ctrl-C when the samples please, the best is kept"),
        "score_kimg": Chosen(200, "as the presets of this size"),
        "checkpoint_kimg": Chosen(200, "with the scores"),
        "sample_kimg": Chosen(100, "between two scores too"),
        "record_kimg": Chosen(4, "as the presets of this size"),
    }
