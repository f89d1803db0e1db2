"""Penalties (regularizers), unweighted and per example, for networks of any library."""

from jgan.penalties.gradient import dragan, gradient_penalty, gradient_penalty_at, lipschitz, max_gradient, r1, r2
from jgan.penalties.invariance import balanced_consistency, consistency, jacobian_clamp, latent_consistency, latent_diversity
from jgan.penalties.outputs import LecamAnchors, epsilon_drift, kl_to_normal, lecam, lecam_anchors, update_lecam_anchors
from jgan.penalties.path import path_length, path_lengths, path_lengths_along
from jgan.penalties.records import (
    adaptive_lecam,
    adaptive_path_length,
    around_fake,
    around_real,
    between,
    on_fake,
    on_real,
    on_real_logits,
)
from jgan.penalties.weights import (
    SpectralNormalization,
    add_orthogonal,
    clip_spectral_norm,
    clip_weights,
    orthogonal,
    spectral_normalization,
    spectrally_normalized,
)

__all__ = [
    "LecamAnchors",
    "SpectralNormalization",
    "adaptive_lecam",
    "adaptive_path_length",
    "add_orthogonal",
    "around_fake",
    "around_real",
    "balanced_consistency",
    "between",
    "clip_spectral_norm",
    "clip_weights",
    "consistency",
    "dragan",
    "epsilon_drift",
    "gradient_penalty",
    "gradient_penalty_at",
    "jacobian_clamp",
    "kl_to_normal",
    "latent_consistency",
    "latent_diversity",
    "lecam",
    "lecam_anchors",
    "lipschitz",
    "max_gradient",
    "on_fake",
    "on_real",
    "on_real_logits",
    "orthogonal",
    "path_length",
    "path_lengths",
    "path_lengths_along",
    "r1",
    "r2",
    "spectral_normalization",
    "spectrally_normalized",
    "update_lecam_anchors",
]
