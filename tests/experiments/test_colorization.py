"""What is asked of colours on shapes of equal luma."""

from experiments import colorization
from tests.systems.untrained import random_run

from jgan.systems.colorization import SYSTEM, Config


def test_the_palette_of_a_run(tmp_path, capsys):
    config = Config(data="shapes:equal-luma", resolution=16, jitter=0, batch=4, features=2, patch_layers=2, limit=8)
    colorization.palette(SYSTEM, random_run(SYSTEM, config, tmp_path / "run"))
    found = dict(zip(*[iter(capsys.readouterr().out.split())] * 2, strict=True))
    assert found.keys() == {"of_palette", "colours_used", "chi_square"} and 0 <= float(found["of_palette"]) < 0.9
