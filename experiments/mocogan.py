"""MoCoGAN on moving shapes: what a shape is, and how it moves, come of different latents.

Paper:    Tulyakov, Liu, Yang, Kautz 2017, https://arxiv.org/abs/1707.04993
Command:  python experiments/mocogan.py                                   (the preset moving: embedded moving shapes, two cores)
          python experiments/mocogan.py compare                           (with and without the label of the motion: one table)
          python experiments/mocogan.py train accelerator
          python experiments/mocogan.py evaluate RUN                      (beside real clips, frozen ones, and ones with shuffled frames)
          python experiments/mocogan.py sample RUN --label bounce --out bounce.gif
Data:     moving, 4,000 clips of 16 frames, 32 px; or folders train/NAME and test/NAME of GIF, WebP or MP4 files, NAME the motion.
Hardware: moving and unlabelled are meant for two CPU cores, accelerator for an accelerator. None has been run to its end: there
          are no scores and no film strips to tell of. One core of an EPYC trains on 26 clips per second, so the
          30,000 clips of moving take 19 minutes, and a few more for its data and scores.
Goals:    kind and colour constant in 90 % of the frames of a clip, all six motions present, a Frechet distance far below the ones of frozen
          and shuffled clips. It is in the features of a small classifier of the six motions that each run trains on its own data, whose
          held-out accuracy is kept beside it.
Differs:  both discriminators have the non-saturating loss and lazy R1 in place of batch norm and noise in every layer, and there is one
          random frame per clip for the discriminator of frames. The label of the motion is a condition, where the paper has it found by
          the discriminator of clips (unlabelled leaves it out). The frame-GAN that walks along a line in z is not compared.
"""

from jgan.run import main
from jgan.run.arms import Arm, compare
from jgan.systems.mocogan import PRESETS, SYSTEM

ARMS = {
    "MoCoGAN": Arm(SYSTEM, PRESETS["moving"]),
    "without the label of the motion": Arm(SYSTEM, PRESETS["unlabelled"]),
}

if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare(ARMS)}))
