"""MoCoGAN on moving shapes: what a shape is, and how it moves, come of different latents.

Paper:    Tulyakov, Liu, Yang, Kautz 2017, https://arxiv.org/abs/1707.04993
Command:  python experiments/mocogan.py                                   (the preset moving: embedded moving shapes, two cores)
          python experiments/mocogan.py compare                           (all arms: one table)
          python experiments/mocogan.py train accelerator
          python experiments/mocogan.py evaluate RUN                      (beside real clips, frozen ones, and ones with shuffled frames)
          python experiments/mocogan.py mix RUN --out mixing.gif          (rows of one content, columns of one motion)
          python experiments/mocogan.py sample RUN --label bounce --out bounce.gif
Data:     moving, 4,000 clips of 16 frames, 32 px; or folders train/NAME and test/NAME of GIF, WebP or MP4 files, NAME the motion.
Hardware: all but accelerator are meant for one or two CPU cores, accelerator for an accelerator. moving has been run to its end, 30,000
          clips in 22 minutes on one core beside other jobs, and frames on an arc in 30; the others have not.
Scores:   moving, one run of seed 0, 1,000 clips: Fréchet distance 9.7 (training clips 0.20, frozen 62.4, shuffled 11.0), motion as asked
          for 56 %, all six present, colour constant in 70 % and kind in 57 % of the frames (real ones 100 and 88 %). Blobs that move and
          whose colours run. Frames on an arc: 18.6, 60 and 53 %. See docs/results.md.
Arms:     MoCoGAN is given the label of the motion (moving), finds a code of motions by itself as in the paper (found), or has neither
          (unlabelled). "frames on an arc" is a GAN of single frames of the same clips, with the networks, loss and optimizer of MoCoGAN's
          frames, walked along the arc between two latents for 16 frames. It sees as many frames as there are in MoCoGAN's clips, 480,000,
          in less time: it trained on 207 frames per second of processor time where MoCoGAN with found motions trained on 10 clips.
Goals:    kind and colour constant in 90 % of the frames of a clip, all six motions present, a Fréchet distance far below the ones of frozen
          and shuffled clips, and below the one of frames on an arc. It is in the features of a small classifier of the six motions that the
          first run trains on its own data, whose held-out accuracy is kept beside it. Of 64 contents in 8 motions each, kind, colour and
          size the same in 90 % of the clips of one content (same_content), the motion in as many of one motion (same_motion).
Differs:  both discriminators have the non-saturating loss and lazy R1 in place of batch norm and noise in every layer, and there is one
          random frame per clip for the discriminator of frames. The label of the motion is a condition unless it is found.
Pictures: docs/mocogan.png: a clip in each row; small blobs that go left and right, up and down or around, and whose colours run.
"""

import dataclasses

import jax
import jax.numpy as jnp

from jgan import losses, outputs
from jgan.metrics.paths import slerp
from jgan.models import dcgan
from jgan.models.mocogan import frame_plan
from jgan.ops.frames import fold, unfold
from jgan.run import main
from jgan.run.arms import Arm, compare
from jgan.run.sampling import latent_inputs
from jgan.run.system import Sampling
from jgan.systems.mocogan import PRESETS, SYSTEM, Config, two_players
from jgan.training import changed_batches
from jgan.types import Spec, Training


def of_frames(config: Config, spec: Spec) -> Training:
    """A GAN of single frames, MoCoGAN's without its motion and its discriminator of clips: it sees one frame of each clip of a batch.

    `sample` takes z [N, 2 D], two latents, and makes a frame at each of as many points of the arc between them as a clip has frames.
    """
    frames, *shape = spec.shape("video")
    plan, size = dcgan.paper(tuple(shape), config.features), latent_size(config)
    networks = dcgan.generator(plan, uniform=False), dcgan.discriminator(frame_plan(plan))
    training = two_players(config, *networks, losses.non_saturating(), size, "image", None)

    def with_frames(batch, key):
        n = batch["video"].shape[0]
        return {"image": batch["video"][jnp.arange(n), jax.random.randint(key, (n,), 0, frames)]}

    def sample(state, key, inputs):
        z = inputs["z"] * inputs["truncation"][:, None]
        n = z.shape[0]
        start, end = (fold(jnp.broadcast_to(part[:, None], (n, frames, size))) for part in jnp.split(z, 2, axis=1))
        share = fold(jnp.broadcast_to(jnp.linspace(0.0, 1.0, frames)[None], (n, frames)))
        return {"video": unfold(training.sample(state, key, {"z": slerp(start, end, share)})["image"], n)}

    return changed_batches(training, with_frames)._replace(sample=sample)


def walk(config: Config, spec: Spec) -> Sampling:
    """The two ends of the arc in, clips out."""
    return Sampling(latent_inputs(2 * latent_size(config)), {"video": outputs.video(spec.rate("video"))}, followed=12)


def latent_size(config: Config) -> int:
    """Numbers in z of a frame: as many as MoCoGAN's frames are made of."""
    return config.content_size + config.motion_size


WALK = SYSTEM._replace(name="frame_walk", build=of_frames, sampling=walk)
EVERY = {"sample_kimg": 160, "checkpoint_kimg": 160, "score_kimg": 160}
ARMS = {
    "MoCoGAN": Arm(SYSTEM, PRESETS["moving"]),
    "motion found": Arm(SYSTEM, PRESETS["found"]),
    "without a label": Arm(SYSTEM, PRESETS["unlabelled"]),
    "frames on an arc": Arm(WALK, dataclasses.replace(PRESETS["unlabelled"], batch=64, average_kimg=5, kimg=480, **EVERY)),
}

if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare(ARMS)}))
