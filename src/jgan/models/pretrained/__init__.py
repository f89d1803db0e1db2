"""Pretrained networks, for losses and metrics alike: their weights are files, checked by their hash and kept from run to run."""

from jgan.models.pretrained.download import load_weights
from jgan.models.pretrained.inception import inception
from jgan.models.pretrained.lpips import lpips, perceptual_distance
from jgan.models.pretrained.squeezenet import feature_maps, squeezenet
from jgan.models.pretrained.vgg16 import vgg16

__all__ = [
    "feature_maps",
    "inception",
    "load_weights",
    "lpips",
    "perceptual_distance",
    "squeezenet",
    "vgg16",
]
