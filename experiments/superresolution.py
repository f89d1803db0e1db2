"""Super-resolution: photos with four times as many pixels a side.

Papers:   Ledig et al. 2016, https://arxiv.org/abs/1609.04802; Wang et al. 2018, https://arxiv.org/abs/1809.00219
Command:  python experiments/superresolution.py compare --data PHOTOS --images TEST --classes FLOWERS --weights SQUEEZENET.npz
                                                                             (SRResNet, SRGAN from it, bicubic; on photos of any size)
          python experiments/superresolution.py train srresnet --data PHOTOS
          python experiments/superresolution.py train srgan --data PHOTOS --init-from RUN --weights SQUEEZENET.npz
          python experiments/superresolution.py evaluate RUN --images TEST
          python experiments/superresolution.py translate RUN FOLDER OUT     (images of any size)
Hardware: srresnet and srgan are sized for two CPU cores; srresnet_large and srgan_large, the papers' networks, for an accelerator.
Scores:   Kodak 1 to 5 (Y, border of 4), one run of seed 0. SRResNet, 32,000 parts of 210 photos: 28.7 dB and SSIM 0.741, bicubic 27.9 and
          0.705; better on each of the five. SRGAN from it, 10,000 parts in 4.0 minutes: 26.8 dB, top octave 0.62 of the real one (SRResNet
          0.04), Fréchet distance of parts 0.66 (1.51, bicubic 2.31), the input again at 36.2 dB. See docs/results.md.
Pictures: docs/superresolution.png: parts of Kodak 1, 3 and 5; SRResNet has sharper edges than bicubic and soft surfaces, SRGAN has
          texture.
"""

from pathlib import Path

from jgan.commands.compare_restored import compare_restored
from jgan.ranges import Kimg, Seed
from jgan.run import System, main
from jgan.run.arms import Arm
from jgan.systems.superresolution import PRESETS, SYSTEM

ARMS = {"SRResNet": Arm(SYSTEM, PRESETS["srresnet"]), "SRGAN": Arm(SYSTEM, PRESETS["srgan"], init_from="SRResNet")}


def compare(
    system: System,
    data: str,
    images: Path,
    weights: str | None = None,
    out: Path = Path("runs/superresolution"),
    kimg: Kimg | None = None,
    seed: Seed | None = None,
    classes: str | None = None,
) -> None:
    """Trains SRResNet, and SRGAN from it, measures both and bicubic enlargement, and writes the table and the picture.

    Args:
        data: A folder or archive of photos to train on.
        images: A folder or archive of photos of any size to measure on.
        weights: File with the weights of SqueezeNet 1.1; downloaded once if not given.
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        kimg: Length of each run, thousands of images; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
        classes: Images in classes, as for data, that the classifier of the features learns from; the photos if not given.
    """
    changes = {"data": data, "weights": weights, "kimg": kimg, "seed": seed}
    compare_restored(ARMS, "bicubic", out, images, changes, classes)


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
