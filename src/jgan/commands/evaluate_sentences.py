"""jgan evaluate RUN, of a system that draws sentences"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from jgan.evaluation import results
from jgan.evaluation.grammar import grammar_scores
from jgan.evaluation.texts import grammar_shares, rows_of, text_scores
from jgan.ranges import CountOrZero, Several, numbers
from jgan.run.system import System
from jgan.run.trained import Trained, load

Temperature = Annotated[float, numbers(float, 0, 100)]


def evaluate(
    system: System,
    run: tyro.conf.Positional[Path],
    temperatures: tuple[Temperature, ...] = (1.0,),
    samples: Several = 10_000,
    split: str = "test",
    step: CountOrZero | None = None,
) -> None:
    """Measures sentences, and adds the numbers with all that they depend on to evaluations.jsonl in the run.

    On the captions of shapes the numbers are of the exact distribution. On others they are of samples: perplexities by 5-gram models both
    ways, and the shares of different and of new ones.

    Args:
        run: The folder of the run.
        temperatures: By which the logits of all tokens are divided; 1 is how it was trained.
        samples: Sentences that are drawn.
        split: Part of the data with which they are compared.
        step: The checkpoint to use; the best if not given.
    """
    trained = load(run, step, system)
    source = trained.open_data()
    for temperature in temperatures:
        found = sentence_numbers(trained, temperature, samples, split)
        about = {"temperature": temperature, "samples": samples, "split": split, "run": run.name, "step": trained.about["step"]}
        results.keep(run / "evaluations.jsonl", results.plain_results(found, "tokens", source, about))


def sentence_numbers(trained: Trained, temperature: float = 1.0, samples: int = 10_000, split: str = "test") -> Mapping[str, float]:
    """Computes what `evaluate` measures."""
    source = trained.open_data()
    if trained.config.data == "shapes":

        def nats(tokens):
            by = np.full(len(tokens), temperature, np.float32)
            return trained.run({"tokens": tokens, "truncation": by})["nats"]

        return grammar_scores(grammar_shares(nats, source))
    batches = trained.draw(source, samples, truncation=temperature)
    drawn = np.concatenate([np.asarray(batch["tokens"]) for batch in batches])[:samples]
    held_out = trained.open_data(split)
    training, real = (rows_of(of.columns["tokens"]) for of in (source, held_out))
    return text_scores(rows_of(drawn), training, real, len(source.names["tokens"]))
