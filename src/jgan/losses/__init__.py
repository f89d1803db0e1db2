"""Adversarial, conditional and reconstruction losses: pure functions, unreduced, for networks of any library."""

from jgan.losses.adversarial import hinge, least_squares, minimax, non_saturating, wasserstein
from jgan.losses.comparing import dual_contrastive, relativistic, relativistic_average
from jgan.losses.conditional import (
    auxiliary_classifier,
    contrastive_2c,
    data_to_data_cross_entropy,
    multi_hinge,
    mutual_information_categorical,
    mutual_information_gaussian,
    twin_auxiliary_classifier,
)
from jgan.losses.contrastive import image_text_contrastive
from jgan.losses.divergence import f_divergence
from jgan.losses.energy import BoundaryEquilibrium, adaptive_boundary_equilibrium, boundary_equilibrium, energy_based
from jgan.losses.policy import discounted_returns, policy_gradient
from jgan.losses.reconstruction import (
    cycle_consistency,
    feature_matching,
    feature_matching_means,
    gram,
    identity,
    patch_nce,
    perceptual,
    pixel_charbonnier,
    pixel_l1,
    pixel_l2,
    style_gram,
    total_variation,
)
from jgan.losses.wrappers import informed, instance_weights, matching_aware, multi_scale, one_sided_label_smoothing, top_k

__all__ = [
    "BoundaryEquilibrium",
    "adaptive_boundary_equilibrium",
    "auxiliary_classifier",
    "boundary_equilibrium",
    "contrastive_2c",
    "cycle_consistency",
    "data_to_data_cross_entropy",
    "discounted_returns",
    "dual_contrastive",
    "energy_based",
    "f_divergence",
    "feature_matching",
    "feature_matching_means",
    "gram",
    "hinge",
    "identity",
    "image_text_contrastive",
    "informed",
    "instance_weights",
    "least_squares",
    "matching_aware",
    "minimax",
    "multi_hinge",
    "multi_scale",
    "mutual_information_categorical",
    "mutual_information_gaussian",
    "non_saturating",
    "one_sided_label_smoothing",
    "patch_nce",
    "perceptual",
    "pixel_charbonnier",
    "pixel_l1",
    "pixel_l2",
    "policy_gradient",
    "relativistic",
    "relativistic_average",
    "style_gram",
    "top_k",
    "total_variation",
    "twin_auxiliary_classifier",
    "wasserstein",
]
