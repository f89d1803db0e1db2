"""CycleGAN: image translation learned from two sets of images without pairs.

Paper:    Zhu et al. 2017, https://arxiv.org/abs/1703.10593
Command:  python experiments/cyclegan.py                                     (the preset demo: outlines and shapes, embedded data)
          python experiments/cyclegan.py train fruit --data SET.zip          (with the folders trainA, trainB, testA, testB)
          python experiments/cyclegan.py train emoji --data pairs:PAIRS.zip  (the two sides of a paired set, the pairs unused)
          python experiments/cyclegan.py translate RUN FOLDER OUT --direction backward
Hardware: demo, fruit (16.7 minutes) and emoji are sized for CPUs; horse2zebra, the paper's settings, for an accelerator.
Scores:   fruit, 64 px, test images: apples made into oranges 0.76 from real oranges (untranslated 67.8, real test oranges 1.1), oranges
          into apples 1.9 (71.2, 0.5); there and back L1 0.148 and 0.108
          (classifier-trainA+trainB-64px-96912067).
          emoji, against the truth of the 115 test pairs of the pix2pix card: distance 2.43, pair by pair 0.275, PSNR 12.0 dB.
Pictures: docs/cyclegan.png: fruit changes colour and skin, places and crates stay. docs/cyclegan_emoji.png: outlines are kept better
          than by pix2pix, colours are guesses.
"""

from jgan.run import main
from jgan.systems.cyclegan import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
