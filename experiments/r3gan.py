"""R3GAN: a modern baseline without tricks: a relativistic loss, two gradient penalties, and plain residual networks.

Paper:    Huang et al. 2024, https://arxiv.org/abs/2501.05441
Command:  python experiments/r3gan.py                            (the preset shapes: embedded data, on two cores)
          python experiments/r3gan.py train fashion_mnist --data FOLDER
          python experiments/r3gan.py sample RUN --seeds 0-63 --out grid.png
          python experiments/studies/stacked.py train --data FOLDER   (modes, beside R1 alone and no penalty)
Hardware: shapes and fashion_mnist are sized for CPUs; cifar10, ffhq64 and ffhq256 have the published settings, for accelerators, and
          have not been run to their end.
Scores:   SCORES
Pictures: docs/r3gan.png: shirts, coats, dresses, trousers, bags, sneakers and boots; some sandals are torn.
"""

from jgan.run import main
from jgan.systems.r3gan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
