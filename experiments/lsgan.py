"""LSGAN: least squares in place of cross-entropy.

Paper:    Mao et al. 2016, https://arxiv.org/abs/1611.04076
Command:  python experiments/lsgan.py                            (the preset demo: 32 px, embedded data, minutes on two cores)
          python experiments/lsgan.py train fashion_mnist --data FOLDER
          python experiments/lsgan.py sample RUN --seeds 0-63 --out grid.png
          python experiments/studies/lsgan_stability.py --data FOLDER    (the paper's comparison of stability)
Hardware: demo and fashion_mnist are sized for CPUs, paper for an accelerator.
Scores:   those of the study: no advantage in success rate over cross-entropy at usual learning rates, none at sixteen times that.
Pictures: docs/lsgan_stability.png: 16 images of each seed, a row per setting.
"""

from jgan.run import main
from jgan.systems.lsgan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
