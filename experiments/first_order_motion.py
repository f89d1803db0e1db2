"""First Order Motion Model on talking cartoon faces: one face does what another one does, a painting too, which never moved in training.

Paper:    Siarohin et al. 2019, https://arxiv.org/abs/2003.00196
Command:  python experiments/first_order_motion.py                              (the preset talking: embedded faces, one or two cores)
          python experiments/first_order_motion.py compare                      (no Jacobians, no occlusion, adversarial: one table)
          python experiments/first_order_motion.py evaluate RUN                 (against true frames, beside sources that stand still)
          python experiments/first_order_motion.py picture RUN                  (film strips: source, driver, ours, truth)
          python experiments/first_order_motion.py animate RUN SOURCE.png DRIVER.gif OUT.gif
          python experiments/first_order_motion.py train accelerator
Data:     talking, 300 faces that are drawn, 16 frames each, 64 px; no real person's face. Or folders of GIF, WebP or MP4 files.
Hardware: talking and its ablations are meant for one or two CPU cores, accelerator for an accelerator. talking has been run to its end:
          15.7 minutes on one core beside other jobs; the others have not.
Goals:    set before any score. (a) reconstruction: the L1 of held-out clips made of their first frames is at most 60 % of the L1 of these
          frames (reconstruction; accelerator 40 %). (b) landmarks: a linear map of the points misses the true landmarks of held-out faces
          by at most 15 % of the distance of the eyes, an untrained network by more. (c) flat: a face that does what another one does, from
          the same first state, is 2 dB nearer to the truth than the source (flat/gain; accelerator 4 dB), and 90 % of the attributes that
          a face keeps are read as they are (flat/identity, beside real/identity of true frames). (d) painting: the same for faces in a
          style that never moved in training, driven by flat ones: 1 dB (painting/gain).
Scores:   one run of seed 0: (a) 37.7 %. (b) 6.3 %, untrained 14.5 %. (c) 5.7 dB, identity 97.5 % (true frames 98.4 %). (d) 4.3 dB.
Picture:  docs/first_order_motion.png: heads and mouths follow, the painting's strokes stay; blinks come out half.
Differs:  the loss of the preset is L1 at four sizes, since features of a network would have to be downloaded; --perceptual-weight adds
          those of SqueezeNet. The result is a mixture of new pixels and of pixels of the source along the flow. Features are bent after one
          halving, not two, and convolutions that make maps are of 3 x 3. The adversarial loss has weight 0 but in `adversarial`.
"""

import dataclasses
from pathlib import Path

import numpy as np
import tyro

from jgan.commands.evaluate_animation import moved
from jgan.data.procedural.face import STYLES
from jgan.data.procedural.talking import open_reenacted
from jgan.data.source import read_rows
from jgan.outputs import check_place
from jgan.outputs.images import save_png
from jgan.outputs.videos import film_strip
from jgan.ranges import Count, CountOrZero
from jgan.run import System, load, main
from jgan.run.arms import Arm, compare
from jgan.run.trained import Trained
from jgan.systems.first_order_motion import PRESETS, SYSTEM

TALKING = PRESETS["talking"]
ARMS = {
    "First Order Motion Model": Arm(SYSTEM, TALKING),
    "without the loss of Jacobians": Arm(SYSTEM, dataclasses.replace(TALKING, jacobian_weight=0.0)),
    "without occlusion": Arm(SYSTEM, dataclasses.replace(TALKING, occluded=False)),
    "adversarial": Arm(SYSTEM, PRESETS["adversarial"]),
}


def picture(
    system: System,
    run: tyro.conf.Positional[Path],
    count: Count = 2,
    split: str = "test",
    step: CountOrZero | None = None,
    out: Path = Path("first_order_motion.png"),
) -> None:
    """Draws film strips of faces that do what others do: source, driver, ours, truth, first flat and then painted.

    Args:
        run: The folder of the run.
        count: Faces of each style.
        split: Part of the data.
        step: The checkpoint to use; the best if not given.
        out: The PNG file to write.
    """
    check_place(out)
    trained = load(run, step, system)
    save_png(out, np.concatenate([strips(trained, style, split, count) for style in STYLES]))
    print(out)


def strips(trained: Trained, style: str, split: str, count: int) -> np.ndarray:
    """Four rows for each face, uint8 [H, W, 3]."""
    height, width, _ = trained.spec.shape("source")
    clips = open_reenacted(style, split=split, frames=trained.config.frames, resolution=(height, width), limit=count)
    rows = read_rows(clips, np.arange(count))
    still = np.broadcast_to(rows["source"][:, None], rows["video"].shape)
    shown = np.stack([still, rows["video"], moved(trained, rows), rows["target"]], axis=1)
    return film_strip(shown.reshape(-1, *shown.shape[2:]), rows=4 * count)


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare(ARMS), "picture": picture}))
