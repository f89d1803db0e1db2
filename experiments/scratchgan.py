"""ScratchGAN: sentences learned by a discriminator's reward for every token, without training by likelihood.

Paper:    de Masson d'Autume et al. 2019, https://arxiv.org/abs/1905.09922
Command:  python experiments/scratchgan.py                       (the preset grammar: captions of shapes, embedded)
          python experiments/scratchgan.py compare               (beside the same generator trained by likelihood, at temperatures from
                                                                  0.5 to 1.5, n-gram models, and without single parts)
          python experiments/scratchgan.py compare --preset names --data names.txt
          python experiments/scratchgan.py train captions --data FOLDER
Hardware: grammar and names are sized for two CPU cores; captions, of the paper's sizes, for an accelerator. The longest run is
          half of grammar's length.
Scores:   on the captions all numbers belong to exact distributions over the 14,400 sentences: validity, total variation,
          entropy (6.0741 nats of the language), KL. Goals: validity 90 %, entropy 5.5 nats, all 64 short sentences among 20,000; with the
          reward at the end alone, without a baseline, and with 32 sentences per step each worse. What has to be known beside them: without
          a network, n-grams of the training sentences are valid in 66 % (bigrams; entropy 4.49) and 94 % (trigrams; 5.38). A run of grammar
          that was stopped after 3,072 of 15,600 steps: 99.9 % valid, all 64 short sentences, entropy 3.96, total variation 0.38, KL 0.49.
          It draws the short sentences, three quarters of the language, and hardly any of the 14,336 long ones; entropy stands at 4.0 from
          1,500 steps on.
          With --discount 0 --generator-rate 3e-4, 7,816 steps: 80.1 % valid, entropy 4.12, total variation 0.31, KL 0.33, hardly changed
          since step 768. Goals of validity and entropy are missed.
Picture:  picture.png: quality (up) over variety (to the right). The curve is the model trained by likelihood at different temperatures.
          Other studies found text GANs below such curves (Caccia et al. 2018, https://arxiv.org/abs/1811.02549); what is claimed here is
          that one learns from nothing.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw

from jgan.commands.evaluate_sentences import sentence_numbers
from jgan.data.procedural import grammar
from jgan.evaluation.grammar import grammar_scores
from jgan.evaluation.texts import grammar_shares, rows_of, text_scores
from jgan.metrics.ngrams import draw, nats, ngrams
from jgan.ranges import Kimg, Seed
from jgan.run import System, Trained, load, main
from jgan.run.arms import Arm, train_arms, write_table
from jgan.systems import language_model
from jgan.systems.scratchgan import PRESETS, SYSTEM

GAN, TWIN = "ScratchGAN", "likelihood"
LACKING = {
    "reward at the end": {"reward_at_end": True, "discount": 1.0},
    "no baseline": {"baseline_renewal": 0.0},
    "batch 32": {"batch": 32},
}
TEMPERATURES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
ORDERS = {"uniform": 0, "unigram": 1, "bigram": 2, "trigram": 3}
SAMPLES = 10_000

Rows = Mapping[str, Mapping[str, float]]


def arms_of(preset: str) -> dict[str, Arm]:
    """What is compared: on the grammar also runs that lack a part."""
    lacking = LACKING if preset == "grammar" else {}
    configs = {GAN: PRESETS[preset]} | {name: dataclasses.replace(PRESETS[preset], **change) for name, change in lacking.items()}
    return {name: Arm(SYSTEM, config) for name, config in configs.items()} | {
        TWIN: Arm(language_model.SYSTEM, language_model.PRESETS[preset])
    }


def compare(
    system: System,
    preset: Literal["grammar", "names"] = "grammar",
    out: Path = Path("runs/scratchgan"),
    data: str | None = None,
    kimg: Kimg | None = None,
    seed: Seed | None = None,
) -> None:
    """Trains ScratchGAN, without single parts, and its generator by likelihood, and writes the table and the picture.

    Args:
        preset: Captions of shapes, or names from a file.
        out: The folder of the runs, of table.md and picture.png; what is there already goes on.
        data: The file of names.
        kimg: Length of each run, thousands of sentences; as in the presets if not given.
        seed: Of each run; as in the presets if not given.
    """
    folders = train_arms(arms_of(preset), out, {"data": data, "kimg": kimg, "seed": seed})
    trained = {name: load(folder) for name, folder in folders.items()}
    rows = {name: sentence_numbers(one, samples=SAMPLES) for name, one in trained.items() if name != TWIN}
    rows |= {f"{TWIN}, {t:g}": sentence_numbers(trained[TWIN], t, SAMPLES) for t in TEMPERATURES}
    rows |= references(trained[TWIN])
    write_table(out, rows)
    axes = ("entropy", "validity") if preset == "grammar" else ("reverse_perplexity", "forward_perplexity")
    plot(rows, *axes).save(out / "picture.png")
    print(out / "picture.png")


def references(trained: Trained) -> Rows:
    """Numbers of n-gram models of the training sentences, and of real sentences."""
    source, exact = trained.open_data(), trained.config.data == "shapes"
    training, vocabulary = rows_of(source.columns["tokens"]), len(source.names["tokens"])
    models = {name: ngrams(training, vocabulary, order) for name, order in ORDERS.items()}
    if exact:
        found = {name: grammar_scores(grammar_shares(lambda tokens, m=m: nats(m, rows_of(tokens)), source)) for name, m in models.items()}
        return found | {"the language": grammar_scores(grammar.probabilities())}
    held_out, length = rows_of(trained.open_data("test").columns["tokens"]), source.spec.shape("tokens")[0]
    made = {name: draw(model, range(vocabulary), 0, SAMPLES, length) for name, model in models.items()}
    made |= {"training sentences": [training[i] for i in np.random.default_rng(0).integers(0, len(training), SAMPLES)]}
    return {name: text_scores(texts, training, held_out, vocabulary) for name, texts in made.items()}


def plot(rows: Rows, x: str, y: str, size: int = 480, margin: int = 60) -> Image.Image:
    """One number over another, a point with its name for every row; those of the model trained by likelihood are joined."""
    places = {name: (row[x], row[y]) for name, row in rows.items() if np.isfinite([row[x], row[y]]).all()}
    low, high = np.min([*places.values()], axis=0), np.max([*places.values()], axis=0)
    picture = Image.new("RGB", (size + 2 * margin, size + 2 * margin), "white")
    pen = ImageDraw.Draw(picture)

    def place(point):
        right, up = (np.asarray(point) - low) / np.where(high > low, high - low, 1)
        return float(margin + right * size), float(margin + (1 - up) * size)

    pen.rectangle((margin, margin, margin + size, margin + size), outline="#b4b4b4")
    pen.text((margin, margin + size + 20), f"{x}: {low[0]:.3g} to {high[0]:.3g}", "black")
    pen.text((margin, 20), f"{y}: {low[1]:.3g} to {high[1]:.3g}", "black")
    pen.line([place(point) for name, point in places.items() if name.startswith(TWIN)], fill="#1f5fa8")
    for name, point in places.items():
        across, down = place(point)
        colour = "#c8501e" if name == GAN else "#1f5fa8" if name.startswith(TWIN) else "#4d4d4d"
        pen.ellipse((across - 3, down - 3, across + 3, down + 3), fill=colour)
        pen.text((across + 5, down - 5), name.removeprefix(f"{TWIN}, "), colour)
    return picture


if __name__ == "__main__":
    main(SYSTEM._replace(commands={**SYSTEM.commands, "compare": compare}))
