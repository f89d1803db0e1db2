"""DAGAN on Omniglot: letters of an alphabet that it has never seen, made of five of each, and what they add to a classifier.

Paper:    Antoniou, Storkey, Edwards 2017, https://arxiv.org/abs/1711.04340
Command:  python experiments/dagan.py                                                  (the preset demo: embedded shapes, two cores)
          python experiments/dagan.py train letters --data OMNIGLOT.zip
          python experiments/dagan.py train letters_accelerator --data OMNIGLOT.zip
          python experiments/dagan.py few RUN                                          (a classifier of the unseen alphabet: one table)
          python experiments/dagan.py picture RUN --out letters.png                    (given, variants, real ones of the class)
          python experiments/dagan.py translate RUN LETTERS OUT                        (a variant of each image of a folder)
Data:     images_background_small1.zip of github.com/brendenlake/omniglot: 5 alphabets, 136 letters by 20 drawers each. Korean, 40 letters,
          is held out; the others are learned. Or any folders of classes, in folders or not.
Hardware: demo and letters are meant for one or two CPU cores, letters_accelerator for an accelerator. letters has been run to its end: 20
          minutes on one core beside other jobs, 75,000 pairs.
Protocol: `few` learns the 40 unseen letters from 5 images of each with the protocol of `jgan.evaluation.few`. Drawers 1 to 10 give the
          subsets, 11 to 13 the validation images on which the share of generated ones is chosen, 14 to 20 the test images. Variants are
          made of the images of the subset alone. Classic is turns, shifts and changes of size, without mirror images, which would be
          other letters. Variants go through it too.
Goal:     one point more right than classic augmentation, with an interval of the difference above 0.
Scores:   letters, seed 0: classic augmentation 72.0 %, with DAGAN 74.0 %: +2.0 [+0.9, +2.9], so the goal is reached; with mixup 61.8 %,
          with nothing 25.8 %.
Picture:  docs/dagan.png: simple letters come out as another hand would write them, dense ones fall apart, and the variants of a letter
          are nearly the same. The generator hardly uses its noise.
Differs:  letters has the non-saturating loss with R1 of weight 1 at every update, real pairs of different letters as further fakes, and
          pairs that are turned and mirrored alike; no dropout; smaller networks. letters_accelerator has the paper's loss, optimizer and
          dropout, fewer dense connections, and learns 96 letters, not 1,200.
"""

import json
from functools import partial
from pathlib import Path

import numpy as np
import tyro

from jgan import outputs
from jgan.augment import random_affine
from jgan.data.source import Source, read_rows
from jgan.evaluation.few import ARMS, draw_subsets, few_scores
from jgan.evaluation.few_results import table, to_numbers
from jgan.evaluation.few_tasks import classification
from jgan.evaluation.provenance import provenance
from jgan.outputs.files import write_atomic
from jgan.ranges import Count, CountOrZero, Several
from jgan.run import System, Trained, load, main
from jgan.systems.dagan import SYSTEM, open_letters
from jgan.types import Fields

PARTS = (0.5, 0.65)  # of the images of a class: where validation and test images begin
CLASSIC = {"turn": 10.0, "shift": 0.06, "zoom": 0.15}
COMPARED = {name: ARMS[name] for name in ("none", "classic", "classic + mixup")}


def parts_of(source: Source) -> list[dict[str, np.ndarray]]:
    """Images to learn from, for validation and for test: of each class in their order; `label` counts the classes from 0."""
    rows = read_rows(source, np.arange(source.size), ("image", "label"))
    label = np.unique(rows["label"], return_inverse=True)[1].astype(np.int32)
    place = np.zeros(len(label))
    for one in np.unique(label):
        members = np.flatnonzero(label == one)
        place[members] = np.arange(len(members)) / len(members)
    chosen = np.digitize(place, PARTS)
    return [{"image": rows["image"][chosen == part], "label": label[chosen == part]} for part in range(3)]


def variants(trained: Trained, images: np.ndarray, count: int) -> np.ndarray:
    """Other images of the classes of images [N, H, W, C]: [N, count, H, W, C]."""
    found = trained.outputs(range(count * len(images)), input=np.repeat(images, count, axis=0), batch=64)["image"]
    return found.reshape(len(images), count, *images.shape[1:])


def pool_of(made: np.ndarray, labels: np.ndarray, subsets: np.ndarray) -> Fields:
    """What was made of the images of every subset: `image` [S, M, H, W, C] and `label` [S, M]."""
    count, shape = made.shape[1], made.shape[2:]
    return {"image": made[subsets].reshape(len(subsets), -1, *shape), "label": np.repeat(labels[subsets], count, axis=1)}


def few(
    system: System,
    run: tyro.conf.Positional[Path],
    per_class: Count = 5,
    subsets: Several = 8,
    seeds: Count = 2,
    made: Count = 20,
    steps: Count = 500,
    step: CountOrZero | None = None,
) -> None:
    """Measures what variants add to a classifier of the held-out classes that learns from few; writes few.md and few.json in the run.

    Args:
        run: The folder of the run.
        per_class: Images of each class to learn from.
        subsets: Draws of them.
        seeds: Trainings on each.
        made: Variants of each image.
        steps: Of every training.
        step: The checkpoint to use; the best if not given.
    """
    trained = load(run, step, system)
    learned, validation, test = parts_of(open_letters(trained.config, "test"))
    classes = int(learned["label"].max()) + 1
    rows = draw_subsets(learned["label"], [per_class] * classes, subsets)
    pools = {"DAGAN": pool_of(variants(trained, learned["image"], made), learned["label"], rows)}
    task = classification(classes, partial(random_affine, **CLASSIC), score=lambda found, label: float(np.mean(found == label)))
    seen = {name: values[rows] for name, values in learned.items()}
    scores = few_scores(task, seen, validation, test, pools, arms=COMPARED, seeds=range(seeds), steps=steps)
    text = table(scores, "right")
    protocol = {"per_class": per_class, "classes": classes, "made": made, "steps": steps, "classic": CLASSIC, **trained.about}
    write_atomic(run / "few.md", text + "\n")
    write_atomic(run / "few.json", json.dumps(to_numbers(scores) | {"protocol": {**protocol, **provenance()}}) + "\n")
    print(f"\n{text}\n\n{run / 'few.md'}")


def picture(
    system: System,
    run: tyro.conf.Positional[Path],
    count: Count = 10,
    made: Count = 6,
    step: CountOrZero | None = None,
    out: Path = Path("dagan.png"),
) -> None:
    """Draws images of held-out classes, a class per row: one that is given, its variants, and real ones of the class.

    Args:
        run: The folder of the run.
        count: Classes.
        made: Variants.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    trained = load(run, step, system)
    source = open_letters(trained.config, "test")
    label = source.columns["label"]
    members = [np.flatnonzero(label == one)[:4] for one in np.unique(label)[:count]]
    real = np.stack([read_rows(source, np.resize(rows, 4), ("image",))["image"] for rows in members])
    found = variants(trained, real[:, 0], made)
    shown = {"given": real[:, 0]} | {f"made_{i + 1}": found[:, i] for i in range(made)} | {f"real_{i}": real[:, i] for i in range(1, 4)}
    outputs.save(out, shown, dict.fromkeys(shown, outputs.image()), columns=1)
    print(out)


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "few": few, "picture": picture}))
