"""The first generative adversarial network.

Paper:    Goodfellow et al. 2014, https://arxiv.org/abs/1406.2661
Command:  python experiments/gan.py                              (the preset demo: embedded data, minutes on two cores)
          python experiments/gan.py train fashion_mnist --data FOLDER
          python experiments/gan.py sample RUN --seeds 0-63 --out grid.png
Hardware: two CPU cores; fashion_mnist takes 13 minutes.
Scores:   fashion_mnist: 29.1, 23.1, 24.2, 17.8 after 100,000 ... 400,000 images (Fréchet distance of 5,000 samples in
          classifier-fashion_mnist-28px-e5b817b9); recall 0.01: a partial collapse to 7 of 10 classes. DCGAN reaches 3.7 in the same space.
Pictures: docs/gan.png: speckled shirts, coats, trousers; no shoes.
"""

from jgan.run import main
from jgan.systems.gan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
