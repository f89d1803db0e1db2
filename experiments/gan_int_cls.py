"""GAN-INT-CLS: images of captions.

Paper:    Reed et al. 2016, https://arxiv.org/abs/1605.05396
Command:  python experiments/gan_int_cls.py                      (the preset shapes: 32 px, embedded)
          python experiments/gan_int_cls.py compare              (beside it without wrong captions, and what needs no text)
          python experiments/gan_int_cls.py sample RUN --caption "a large red moon"
          python experiments/gan_int_cls.py interpolate RUN --captions "a large red moon" "a large blue star"
          python experiments/gan_int_cls.py train emoji --data CAPTIONED.zip
Hardware: shapes and emoji are sized for two CPU cores, and have been run to their end in 19 and 14 minutes beside other jobs; shapes64 and
          emoji64 are for an accelerator and have not been run.
Scores:   on shapes the share of images that show all that their caption says (exact match), by a network trained on shapes that no
          generator sees; with one shape and with two, of pairs of colour and kind that were held out of the training, and with the caption
          of another image, which is chance. Goals: 60 % with one shape, 40 % of held-out pairs; without wrong captions clearly less.
          shapes, one run of seed 0, 1,000 images: 84.2 % with one shape, 61.3 % of held-out pairs, 0.9 % with two,
          65.4 % of all; chance 1.2 %. On emoji the Fréchet distance alone: 1.17. See docs/results.md.
          compare --kimg 60, 2,000 images, with one shape and of held-out pairs: 57.5 and 39.7 %, without wrong captions 41.0 and 50.7 %, a
          class for each caption 29.7 and 0.3 %, the image of the nearest caption 100 and 0 %.
Differs:  the discriminator has R1 in place of batch norm, batches are small, and the learning rate falls to 0 over the second half: as in
          the paper 17.8 % with one shape.
Beside:   a class for each caption of one shape that is trained on (StyleGAN); held-out pairs are none of them, so what it scores there
          is chance. And the training image whose caption is nearest to the one that is asked for, by their embeddings.
Picture:  picture.png: a row for each of CAPTIONS, a column for each run; the last three have pairs that were held out.
          docs/captions_emoji.png: four names of training, four that are held out.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np

from jgan.data.captions import open_captions
from jgan.data.combine import subset
from jgan.data.procedural import grammar
from jgan.data.source import Source, read_rows, spread
from jgan.data.vocabulary import decode
from jgan.evaluation.captions import caption_reader, caption_score
from jgan.evaluation.score import Draw, Snapshot
from jgan.outputs.columns import labelled_columns
from jgan.outputs.images import save_png
from jgan.ranges import Kimg, Seed, Size
from jgan.run import System, Trained, load, main
from jgan.run.arms import Arm, short, train_arms, write_table
from jgan.systems import stylegan
from jgan.systems.gan_int_cls import PRESETS, SYSTEM

CONFIG = PRESETS["shapes"]
ARMS = {
    "INT-CLS": Arm(SYSTEM, CONFIG),
    "without wrong captions": Arm(SYSTEM, dataclasses.replace(CONFIG, wrong_captions=False)),
}
CLASSES = tuple(text for text in grammar.sentences()[: grammar.SHORT] if not grammar.says_held_out(text))


def by_class(config: stylegan.Config, split: str | None = None) -> Source:
    """The images of shapes whose caption is one of CLASSES, with its number as their label."""
    source = open_captions(config.data, resolution=config.resolution, channels=3, split=split or config.split, limit=config.limit)
    texts = decode(source.columns["caption"], source.names["caption"])
    kept = subset(source, np.flatnonzero([text in CLASSES for text in texts]))
    labels = np.asarray([CLASSES.index(text) for text in texts if text in CLASSES], np.int32)
    return kept._replace(
        fields={"image": kept.fields["image"], "label": jax.ShapeDtypeStruct((), np.int32)},
        read=lambda index: {"image": kept.read(index)["image"], "label": labels[index]},
        names={"label": CLASSES},
        columns={"label": labels},
    )


BY_CLASS = Arm(stylegan.SYSTEM._replace(data=by_class), dataclasses.replace(stylegan.PRESETS["shapes"], kimg=60, score_kimg=0))
SAMPLES = 2_000
CAPTIONS = (
    "a large teal heart",
    "a large yellow moon",
    "a large blue square",
    "a large pink ring above a small blue circle",
    "a large teal cross left of a small red star",
    "a large red moon",  # held out, as the next ones
    "a large green star",
    "a large blue heart",
)


def compare(
    system: System,
    out: Path = Path("runs/gan_int_cls"),
    resolution: Size | None = None,
    kimg: Kimg | None = None,
    seed: Seed | None = None,
) -> None:
    """Trains with and without single parts, measures how often images show what captions say, and writes the table and the picture.

    Args:
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        resolution: Side of the images, pixels; as in the preset if not given.
        kimg: Length of each run, thousands of images; as in the preset if not given.
        seed: Of each run; as in the preset if not given.
    """
    changes = {"resolution": resolution, "kimg": kimg, "seed": seed}
    folders = train_arms({**ARMS, "by class": BY_CLASS}, out, changes)
    classes = load(folders.pop("by class"), system=BY_CLASS.system)
    trained = {name: load(folder, system=system) for name, folder in folders.items()}
    first, features = next(iter(trained.values())), next(iter(folders.values())) / "features"
    test = first.open_data("test")
    rows = {name: numbers_of(first, test, one.draw, features) for name, one in trained.items()}
    rows["a class for each caption"] = numbers_of(first, one_shape(test), answering(partial(of_classes, classes)), features)
    rows["nearest training caption"] = numbers_of(first, test, answering(partial(nearest, first)), features)
    write_table(out, rows)
    save_png(out / "picture.png", labelled_columns({name: drawn(one) for name, one in trained.items()}, columns=1))
    print(out / "picture.png")


def numbers_of(trained: Trained, test: Source, draw: Draw, folder: Path) -> Mapping[str, float]:
    """What the score of a run measures, of SAMPLES images that are drawn of the captions of `test`, under short names."""
    config = trained.config
    reader = caption_reader(config.data, config.resolution, config.channels, folder)
    score = caption_score(trained.open_data(), test, reader, SAMPLES)
    return short(score.compute(Snapshot(trained.state(), draw)))


def answering(images_of: Callable[[Sequence[str]], np.ndarray]) -> Draw:
    """Makes what draws images of the captions of a source out of texts -> images."""

    def draw(source, n, *, seed=0):
        captions = source.columns["caption"][spread(source.size, n)]
        yield {"image": images_of(decode(captions, source.names["caption"])), "caption": captions}

    return draw


def of_classes(trained: Trained, texts: Sequence[str]) -> np.ndarray:
    """Images of the class of each text; of those that are none of CLASSES the classes take turns."""
    labels = [CLASSES.index(text) if text in CLASSES else number % len(CLASSES) for number, text in enumerate(texts)]
    return trained(range(len(texts)), label=np.asarray(labels))


def nearest(trained: Trained, texts: Sequence[str]) -> np.ndarray:
    """The training image whose caption is nearest to each text, by the angle between their embeddings."""
    source = trained.open_data()
    known, places = np.unique(source.columns["caption"], axis=0, return_index=True)
    embeddings, wanted = (trained.outputs(caption=some, only="text", batch=256)["text"] for some in (known, list(texts)))
    return read_rows(source, places[np.argmax(wanted @ embeddings.T, axis=1)], ("image",))["image"]


def one_shape(source: Source) -> Source:
    """The examples whose caption says one shape."""
    texts = decode(source.columns["caption"], source.names["caption"])
    return subset(source, np.flatnonzero([text in grammar.sentences()[: grammar.SHORT] for text in texts]))


def drawn(trained: Trained) -> np.ndarray:
    """Images of CAPTIONS, each of the same seed for all runs, uint8 [N, H, W, C]."""
    return trained(range(len(CAPTIONS)), caption=list(CAPTIONS))


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
