"""Metrics: distances between sets of features, likeness of pairs of images, and `evaluate`, which draws, gathers and compares."""

from jgan.metrics.classes import class_histogram, histogram_distance, intra_class_frechet, kl_divergence, modes
from jgan.metrics.equivariance import rotation_equivariance, subpixel_equivariance, translation_equivariance
from jgan.metrics.evaluation import evaluate
from jgan.metrics.features import Features, quantise
from jgan.metrics.frechet import Moments, covariance, empty, frechet, frechet_distance, merge, update
from jgan.metrics.inception import inception
from jgan.metrics.inception_score import inception_score
from jgan.metrics.kernel import kernel_distance, kernel_distance_subsets
from jgan.metrics.likelihood import bits_per_dimension
from jgan.metrics.neighbours import nearest
from jgan.metrics.paths import perceptual_path_length
from jgan.metrics.perceptual import lpips, perceptual_distance, vgg16
from jgan.metrics.prdc import PRDC, prdc
from jgan.metrics.sliced import sliced_wasserstein
from jgan.metrics.structure import diversity, ms_ssim, psnr, ssim
from jgan.metrics.weights import load_weights

__all__ = [
    "PRDC",
    "Features",
    "Moments",
    "bits_per_dimension",
    "class_histogram",
    "covariance",
    "diversity",
    "empty",
    "evaluate",
    "frechet",
    "frechet_distance",
    "histogram_distance",
    "inception",
    "inception_score",
    "intra_class_frechet",
    "kernel_distance",
    "kernel_distance_subsets",
    "kl_divergence",
    "load_weights",
    "lpips",
    "merge",
    "modes",
    "ms_ssim",
    "nearest",
    "perceptual_distance",
    "perceptual_path_length",
    "prdc",
    "psnr",
    "quantise",
    "rotation_equivariance",
    "sliced_wasserstein",
    "ssim",
    "subpixel_equivariance",
    "translation_equivariance",
    "update",
    "vgg16",
]
