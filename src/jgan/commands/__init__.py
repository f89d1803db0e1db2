"""What can be done with what a run has learned: one file per verb. A system names those that fit it."""

from collections.abc import Mapping

from jgan.commands import (
    evaluate_animation,
    evaluate_clips,
    evaluate_domains,
    evaluate_inpainting,
    evaluate_pairs,
    evaluate_restored,
    evaluate_sentences,
    evaluate_sounds,
    interpolate_captions,
    mix_clips,
)
from jgan.commands.accuracy import accuracy
from jgan.commands.animate import animate
from jgan.commands.complete import complete
from jgan.commands.directions import directions
from jgan.commands.edit import edit
from jgan.commands.evaluate import evaluate
from jgan.commands.explore import explore
from jgan.commands.export import export
from jgan.commands.inpaint import inpaint
from jgan.commands.interpolate import interpolate
from jgan.commands.likelihood import likelihood
from jgan.commands.mix import mix
from jgan.commands.neighbours import neighbours
from jgan.commands.path_length import path_length
from jgan.commands.project import project
from jgan.commands.push import push
from jgan.commands.sample import sample
from jgan.commands.translate import translate
from jgan.run.system import Command

Commands = Mapping[str, Command]

ANY: Commands = {"sample": sample, "explore": explore, "export": export, "push": push}
IMAGES: Commands = {**ANY, "evaluate": evaluate, "accuracy": accuracy, "neighbours": neighbours}
LATENTS: Commands = {**IMAGES, "interpolate": interpolate}
STYLES: Commands = {**LATENTS, "mix": mix, "path_length": path_length, "directions": directions, "project": project}
LIKELIHOOD: Commands = {**IMAGES, "complete": complete, "likelihood": likelihood}
PAIRS: Commands = {**ANY, "translate": translate, "evaluate": evaluate_pairs.evaluate}
RESTORED: Commands = {**PAIRS, "evaluate": evaluate_restored.evaluate}
DOMAINS: Commands = {
    **ANY,
    "translate": translate,
    "evaluate": evaluate_domains.evaluate,
    "evaluate_pairs": evaluate_domains.evaluate_pairs,
}
EDITS: Commands = {**ANY, "edit": edit}
INPAINTING: Commands = {**ANY, "inpaint": inpaint, "evaluate": evaluate_inpainting.evaluate}
SENTENCES: Commands = {**ANY, "evaluate": evaluate_sentences.evaluate}
CAPTIONS: Commands = {**IMAGES, "interpolate": interpolate_captions.interpolate}
SOUNDS: Commands = {**ANY, "evaluate": evaluate_sounds.evaluate}
CLIPS: Commands = {**ANY, "evaluate": evaluate_clips.evaluate, "mix": mix_clips.mix}
ANIMATION: Commands = {**ANY, "animate": animate, "evaluate": evaluate_animation.evaluate}
