"""DCGAN: the network of the paper, and the network of TensorFlow's tutorial.

Papers:   Radford et al. 2015, https://arxiv.org/abs/1511.06434; https://www.tensorflow.org/tutorials/generative/dcgan
Command:  python experiments/dcgan.py                            (the preset demo: 32 px, embedded data, minutes on two cores)
          python experiments/dcgan.py train fashion_mnist --data FOLDER --kimg 60
          python experiments/dcgan.py sample RUN --seeds 0-63 --out grid.png
Hardware: demo and fashion_mnist (2.9 minutes) are sized for CPUs; paper and tutorial for an accelerator.
Scores:   fashion_mnist: 6.9, 6.2, 4.1, 3.7 after 15,000 ... 60,000 images in the features of the GAN's card; all 10 classes, recall 0.85.
Pictures: docs/dcgan.png: tops, trousers, shoes; patchy inside.
"""

from jgan.run import main
from jgan.systems.dcgan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
