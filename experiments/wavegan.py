"""WaveGAN on spoken digits, without phase shuffle, and SpecGAN beside it.

Paper:    Donahue, McAuley, Puckette 2018, https://arxiv.org/abs/1802.04208
Command:  python experiments/wavegan.py                                   (the preset words: embedded words, two cores)
          python experiments/wavegan.py compare --data fsdd_8k.zip        (WaveGAN, without phase shuffle, SpecGAN: one table)
          python experiments/wavegan.py train digits_accelerator --data fsdd_8k.zip
          python experiments/wavegan.py evaluate RUN                      (beside real sound, and noise with the spectrum of each digit)
          python experiments/wavegan.py sample RUN --label 7 --out sevens.wav
Data:     Free Spoken Digit Dataset, 8 kHz, folders train/0 ... test/9 of WAV files, CC BY-SA 4.0: keep it outside of the project;
          https://github.com/Jakobovski/free-spoken-digit-dataset
Hardware: words, digits and unshuffled are sized for two CPU cores; digits_accelerator and paper for an accelerator. digits has been run to
          its end on one core beside other jobs, in 22 minutes (WaveGAN) and 11 (SpecGAN); the others have not.
Scores:   2,000 sounds against the test recordings, seed 0: SpecGAN heard right 94.0 %, of the least digit 90 %, Fréchet distance 1.44,
          recall 0.70, inception score 8.12; WaveGAN 52.5 %, 0 %, 7.08, 0.03 and 4.64. Goals: 60 % heard right, 30 % of every digit.
Bars:     in docs/results.md, measured: real test recordings are heard right in 99.0 %, but noise with the mean spectrogram of each digit in
          96.8 % too. What tells it from speech is the Fréchet distance (7.5; training recordings 0.6) and recall (0; 0.92).
Picture:  docs/specgan.png: log-mel spectrograms of SpecGAN's sounds, with formants that move. WaveGAN's have stripes
          over all frequencies.
Differs:  words and digits have the non-saturating loss with lazy R1, one update of the discriminator per step and the label as a condition;
          the preset paper has the paper's loss and five updates. SpecGAN has one range of decibels for all frequencies.
"""

from jgan.run import main
from jgan.run.arms import Arm, compare
from jgan.systems import specgan
from jgan.systems.wavegan import PRESETS, SYSTEM

ARMS = {
    "WaveGAN": Arm(SYSTEM, PRESETS["digits"]),
    "without phase shuffle": Arm(SYSTEM, PRESETS["unshuffled"]),
    "SpecGAN": Arm(specgan.SYSTEM, specgan.PRESETS["digits"]),
}

if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare(ARMS)}))
