"""PixelRNN, PixelCNN and gated PixelCNN: images drawn sub-pixel by sub-pixel, trained by likelihood, without an adversary.

Papers:   van den Oord et al. 2016, https://arxiv.org/abs/1601.06759; van den Oord et al. 2016, https://arxiv.org/abs/1606.05328
Command:  python experiments/pixelrnn.py                         (the preset demo: 16 px, embedded data, minutes on two cores)
          python experiments/pixelrnn.py train fashion_mnist --data FOLDER --resolution 14 --kimg 40
          python experiments/pixelrnn.py complete RUN --out completions.png
          python experiments/pixelrnn.py likelihood RUN
Hardware: demo and fashion_mnist (8 minutes) are sized for CPUs; the others, of the papers' sizes, for accelerators.
Scores:   fashion_mnist at 14 px, binarised: Row LSTM 31.1 nats per test image (0.229 bits per dimension); PixelCNN with
          --architecture pixelcnn --features 28: 31.9 (0.235). With --levels 256 --features 24 --layers 5 --kimg 20, 2,000 test images:
          --architecture gated_pixelcnn --conditional 559.5 (4.12 bits per dimension), pixelcnn 584.1 (4.30).
Pictures: docs/pixelrnn.png: test images of which the upper half is known, three completions, the truth. Sleeves, trouser legs and soles end
          as they should, and each time otherwise.
"""

from jgan.run import main
from jgan.systems.pixelrnn import SYSTEM

if __name__ == "__main__":
    main(SYSTEM)
