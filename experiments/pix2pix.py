"""pix2pix: image translation learned from pairs.

Paper:    Isola et al. 2016, https://arxiv.org/abs/1611.07004
Command:  python experiments/pix2pix.py                                      (the preset demo: outlines to shapes, embedded data)
          python experiments/pix2pix.py compare --data PAIRS.zip             (both losses, L1 alone, the adversarial loss alone)
          python experiments/pix2pix.py train emoji --data PAIRS.zip         (two images side by side in each file, or two folders)
          python experiments/pix2pix.py train nuclei --data PAIRS.zip --reverse
          python experiments/pix2pix.py translate RUN FOLDER OUT             (images of any size)
Hardware: demo, emoji (12.5 minutes) and nuclei (3 minutes) are sized for CPUs; facades, the paper's settings, for an accelerator.
Scores:   emoji, 115 test pairs: distance to real emoji 1.70 with both losses, 2.04 with L1 alone, 2.62 with the adversarial loss alone,
          10.8 of the line art itself; pair by pair L1 alone is nearest (0.227, PSNR 14.2 dB), as it should be: it paints means; both
          0.247, 13.5 dB; adversarial alone 0.253, 11.0 dB; line art 0.360, 7.4 dB (classifier-fluent_lineart_color_128-64px-b464b326).
          nuclei, 21 test pairs: tissue to mask PSNR 19.0 dB (the photographs themselves 12.6); mask to tissue 20.5 dB (12.6).
Pictures: docs/pix2pix.png: L1 alone is brown and blurred, the adversarial loss brings colours and checkered texture.
          docs/pix2pix_nuclei.png: nuclei are found, the faintest are missed.
          docs/pix2pix_tissue.png: nuclei at their places; which slides are stained is a guess.
"""

from jgan.run import main
from jgan.run.arms import Arm, compare
from jgan.systems.pix2pix import PRESETS, SYSTEM

ARMS = {
    "both losses": Arm(SYSTEM, PRESETS["emoji"]),
    "L1 alone": Arm(SYSTEM, PRESETS["emoji_l1"]),
    "adversarial loss alone": Arm(SYSTEM, PRESETS["emoji_adversarial"]),
}

if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare(ARMS)}))
