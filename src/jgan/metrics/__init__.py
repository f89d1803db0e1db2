"""Metrics: formulas of arrays, as distances between sets of features and likeness of images. `jgan.evaluation` applies them."""

from jgan.metrics.classes import class_histogram, entropy, histogram_distance, intra_class_frechet, kl_divergence, macro_f1, modes
from jgan.metrics.colour import colourfulness, delta_e
from jgan.metrics.equivariance import rotation_equivariance, subpixel_equivariance, translation_equivariance
from jgan.metrics.frechet import Moments, covariance, empty, frechet, frechet_distance, merge, update
from jgan.metrics.inception_score import inception_score
from jgan.metrics.intervals import bootstrap_interval, wilson
from jgan.metrics.kernel import kernel_distance, kernel_distance_subsets
from jgan.metrics.likelihood import bits_per_dimension
from jgan.metrics.neighbours import nearest
from jgan.metrics.overlap import dice
from jgan.metrics.paths import perceptual_path_length
from jgan.metrics.prdc import PRDC, prdc
from jgan.metrics.sliced import sliced_wasserstein
from jgan.metrics.structure import diversity, ms_ssim, psnr, ssim

__all__ = [
    "PRDC",
    "Moments",
    "bits_per_dimension",
    "bootstrap_interval",
    "class_histogram",
    "colourfulness",
    "covariance",
    "delta_e",
    "dice",
    "diversity",
    "empty",
    "entropy",
    "frechet",
    "frechet_distance",
    "histogram_distance",
    "inception_score",
    "intra_class_frechet",
    "kernel_distance",
    "kernel_distance_subsets",
    "kl_divergence",
    "macro_f1",
    "merge",
    "modes",
    "ms_ssim",
    "nearest",
    "perceptual_path_length",
    "prdc",
    "psnr",
    "rotation_equivariance",
    "sliced_wasserstein",
    "ssim",
    "subpixel_equivariance",
    "translation_equivariance",
    "update",
    "wilson",
]
