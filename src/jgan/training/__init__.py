"""What training algorithms are composed of: updates of one player, lazy ones, averages, and the alternating updates of two players."""

from jgan.training.adaptive import scheduled as scheduled
from jgan.training.alternating import AlternatingState as AlternatingState
from jgan.training.alternating import alternating as alternating
from jgan.training.averages import average as average
from jgan.training.averages import average_decay as average_decay
from jgan.training.averages import follow_average as follow_average
from jgan.training.batches import changed_batches as changed_batches
from jgan.training.freeze import frozen as frozen
from jgan.training.update import Guard as Guard
from jgan.training.update import Player as Player
from jgan.training.update import PlayerLoss as PlayerLoss
from jgan.training.update import check_guards as check_guards
from jgan.training.update import every as every
from jgan.training.update import in_turn as in_turn
from jgan.training.update import lazy_adam as lazy_adam
from jgan.training.update import new_player as new_player
from jgan.training.update import prefixed as prefixed
from jgan.training.update import update as update
