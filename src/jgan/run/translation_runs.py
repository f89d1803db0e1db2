"""Runs of translators: how two domains of images become the feed, the score and the pictures of `jgan.run.launch`."""

from typing import Any

from jgan.data import Source
from jgan.data.pairs import Pairs, combined, paired, together
from jgan.run.folder import Folder
from jgan.run.launch import launch, make_feed
from jgan.run.translation import take
from jgan.run.translation_scores import domain_score, in_range, paired_score, scored
from jgan.types import Training


def launch_pairs(
    folder: Folder,
    training: Training,
    pairs: Pairs,
    larger: Pairs,
    *,
    batch: int,
    seed: int,
    score_samples: int,
    shown: int = 16,
    **settings: Any,
) -> Any:
    """Trains on pairs; the score is the distance of translations of training images to their targets, see `paired_score`.

    Args:
      folder: of `open_folder`.
      training: its batches are {"image", "target"}, and so are the inputs of its `sample` for the pictures; for the score {"image"}.
      pairs: at the size that the network has.
      larger: the same at the size that its augmentation wants.
      batch, seed: as in `launch`.
      score_samples: pairs per score.
      shown: pairs that are followed through time.
      **settings: the other arguments of `launch`.
    """
    inputs = scored(pairs.image, score_samples)
    return launch(
        folder,
        training,
        pairs.target,
        batch=batch,
        seed=seed,
        feed=paired(make_feed(larger.both, batch, seed)),
        inputs={name: in_range(take(getattr(pairs, name), shown)) for name in ("image", "target")},
        draw_inputs=lambda key: inputs,
        score=lambda place, mesh: paired_score(pairs, score_samples, mesh, place),
        **settings,
    )


def launch_domains(
    folder: Folder,
    training: Training,
    domains: tuple[Source, Source],
    larger: tuple[Source, Source],
    *,
    batch: int,
    seed: int,
    score_samples: int,
    shown: int = 8,
    **settings: Any,
) -> Any:
    """Trains on two domains; the score is the Fréchet distance of translations of the first to the second, see `domain_score`.

    The arguments are those of `launch_pairs`.
    """
    inputs = scored(domains[0], score_samples)
    return launch(
        folder,
        training,
        together(*domains),
        batch=batch,
        seed=seed,
        feed=combined(image=make_feed(larger[0], batch, seed), target=make_feed(larger[1], batch, seed + 1)),
        inputs={name: in_range(take(source, shown)) for name, source in zip(("image", "target"), domains, strict=True)},
        draw_inputs=lambda key: inputs,
        score=lambda place, mesh: domain_score(*domains, score_samples, mesh, place),
        **settings,
    )
