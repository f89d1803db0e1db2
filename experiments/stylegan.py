"""StyleGAN2 with adaptive augmentation.

Papers:   Karras et al. 2019, https://arxiv.org/abs/1912.04958; Karras et al. 2020, https://arxiv.org/abs/2006.06676
Command:  python experiments/stylegan.py                        (the preset demo: 32 px, embedded data, minutes on two cores)
          python experiments/stylegan.py train flowers64 --data FOLDER_OR_ZIP
          python experiments/stylegan.py sample RUN --seeds 0-63 --truncation 0.7 --out grid.png
Hardware: demo, shapes, fashion_mnist and flowers64 are sized for CPUs; cifar10, flowers128, ffhq256 and ffhq1024 have the published
          settings, for one or more accelerators, and have not been run to their end.
Scores:   Fréchet distance in the features of a classifier trained on the same data, not comparable between rows.
          demo           4 minutes, one core    9.82, 2.12, 1.10 after 8, 16, 24 thousand images; 99 % of the samples are of the kind asked
                                                for, and a classifier that learns from them names 97 % of real images (goals 80 and 60 %)
          shapes         3 minutes of an EPYC   17.9, 7.5, 5.1 after 8, 16, 24 thousand images
          fashion_mnist  27.5 minutes           25.6, 8.6, 5.4, 3.3 after 15, 31, 46, 61 thousand images
          flowers64      26.6 minutes           0.93, 0.97, 0.63, 0.63 after 15, 30, 45, 60 thousand images
Pictures: docs/demo.png: eight kinds of animals, each told at a glance, in many poses and colours. docs/fashion_mnist.png: shirts,
          coats, trousers, sneakers, boots, sandals. docs/flowers64.png: beds and single heads, some images are texture only.
"""

from jgan.run import main
from jgan.systems.stylegan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
