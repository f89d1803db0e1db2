"""WaveGAN on spoken digits, without phase shuffle, and SpecGAN beside it.

Paper:    Donahue, McAuley, Puckette 2018, https://arxiv.org/abs/1802.04208
Command:  python experiments/wavegan.py                                   (the preset words: embedded words, two cores)
          python experiments/wavegan.py compare --data fsdd_8k.zip        (WaveGAN, without phase shuffle, SpecGAN: one table)
          python experiments/wavegan.py train digits_accelerator --data fsdd_8k.zip
          python experiments/wavegan.py evaluate RUN                      (beside real sound, and noise with the spectrum of each digit)
          python experiments/wavegan.py sample RUN --label 7 --out sevens.wav
Data:     Free Spoken Digit Dataset, 8 kHz, folders train/0 ... test/9 of WAV files, CC BY-SA 4.0: keep it outside of the project;
          https://github.com/Jakobovski/free-spoken-digit-dataset
Hardware: words, digits and unshuffled are sized for two CPU cores; digits_accelerator and paper for an accelerator. None has been run to
          its end, so there are no scores and no sounds to tell of. One core of an EPYC trains WaveGAN on 66 sounds per second, so the
          80,000 of words and digits take 20 minutes. Beside other jobs it was 27 per second of processor time, where SpecGAN had 95.
Bars:     in docs/results.md, measured: real test recordings are heard right in 99.0 %, but noise with the mean spectrogram of each digit in
          96.8 % too. What tells it from speech is the Frechet distance (7.5; training recordings 0.6) and recall (0; 0.92).
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
