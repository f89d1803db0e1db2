"""Metrics: functions of features, (real_features [N, F], fake_features [M, F]) -> number, on the host in float64."""

from jgan.metrics.frechet import Moments, covariance, empty, frechet, frechet_distance, merge, update
from jgan.metrics.kernel import kernel_distance
from jgan.metrics.prdc import PRDC, prdc

__all__ = ["PRDC", "Moments", "covariance", "empty", "frechet", "frechet_distance", "kernel_distance", "merge", "prdc", "update"]
