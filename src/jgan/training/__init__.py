"""What training algorithms are composed of: one update of one player, its lazy form, averages, and the ordinary two-player game."""

from jgan.training.alternating import alternating as alternating
from jgan.training.alternating import normalise as normalise
from jgan.training.averages import average as average
from jgan.training.averages import average_decay as average_decay
from jgan.training.update import Guard as Guard
from jgan.training.update import Player as Player
from jgan.training.update import check_guards as check_guards
from jgan.training.update import every as every
from jgan.training.update import lazy_adam as lazy_adam
from jgan.training.update import new_player as new_player
from jgan.training.update import prefixed as prefixed
from jgan.training.update import update as update
