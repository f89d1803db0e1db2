"""Evaluation: what is done with metrics. Features, classifiers, scores of runs, and results with all that they depend on."""

from jgan.evaluation.classifier import classification_accuracy_score, classifier_features
from jgan.evaluation.gather import Metric, Statistics, evaluate
from jgan.evaluation.score import Score, Snapshot, frechet_score

__all__ = ["Metric", "Score", "Snapshot", "Statistics", "classification_accuracy_score", "classifier_features", "evaluate", "frechet_score"]
