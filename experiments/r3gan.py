"""R3GAN: a relativistic loss, two gradient penalties, and plain residual networks.

Paper:    Huang et al. 2024, https://arxiv.org/abs/2501.05441
Command:  python experiments/r3gan.py                            (the preset shapes: embedded data, on two cores)
          python experiments/r3gan.py train fashion_mnist --data FOLDER
          python experiments/r3gan.py sample RUN --seeds 0-63 --out grid.png
          python experiments/studies/stacked.py train --data FOLDER   (modes, beside R1 alone and no penalty)
Hardware: shapes and fashion_mnist are sized for CPUs; cifar10, ffhq64 and ffhq256 have the published networks and
          schedules, for accelerators, and have not been run.
Scores:   Fréchet distances of 5,000 samples after 8,000 ... 40,000 images, 10 minutes on one core. shapes: 7.8, 3.6, 2.8, 2.1, 1.6
          in classifier-shapes-32px-10b55fa4. fashion_mnist: 6.1, 3.3, 1.9, 1.6, 1.5 in classifier-fashion_mnist-32px-c1c2fd3c; StyleGAN2 of
          the same widths 5.4 after as many images, 1.8 to 2.2 after as many minutes. Stacked images: 806 of 1,000 modes, R1 alone 783, no
          penalty 731 (goal 950). See docs/results.md, docs/limits.md.
Pictures: docs/r3gan_shapes.png: A kind per column; hearts and squares lose their corners.
          docs/r3gan.png: Shirts, coats, dresses, trousers, bags, sneakers and boots; some sandals are torn.
"""

from jgan.run import main
from jgan.systems.r3gan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
