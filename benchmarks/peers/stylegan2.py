"""A training step of StyleGAN2 in PyTorch: what a careful programmer writes without kernels of his own, to compare speed with.

The networks, losses, penalties and optimizers are those of `jgan.systems.stylegan` with its skip generator, its residual discriminator,
without classes, augmentation and style mixing, in float32. Parameters are ours (`from_jgan`), so both can be held equal. All arrays
[N, C, H, W] are in channels-last memory, biases belong to the convolutions where they can, gains are folded into the weights, Adam and
the average are fused over all parameters, and modulation scales activations, so that all images share one convolution.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], device=DEVICE) / 8
SLOPE, GAIN = 0.2, math.sqrt(2)


class Players(NamedTuple):
    """All parameters, nested dicts of tensors, and what trains them."""

    mapping: dict
    synthesis: dict
    discriminator: dict
    average: list  # of the generator's parameters
    optimizers: tuple  # of the generator and the discriminator


def from_jgan(params: Any) -> Any:
    """Parameters of `jgan.models.stylegan2` as tensors: kernels of convolutions [O, I, k, k], channels last, all others as they are."""
    if isinstance(params, dict):
        return {name: from_jgan(value) for name, value in params.items()}
    tensor = torch.from_numpy(np.array(params)).to(DEVICE)
    if tensor.ndim == 4:
        tensor = tensor.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
    return tensor.requires_grad_()


def leaves(params: Any) -> list[torch.Tensor]:
    """All tensors of nested dicts."""
    return [leaf for value in params.values() for leaf in leaves(value)] if isinstance(params, dict) else [params]


def dense(p: dict, x: torch.Tensor, rate: float = 1.0, active: bool = False) -> torch.Tensor:
    """[N, I] -> [N, O]."""
    gain = GAIN if active else 1.0
    y = torch.addmm(p["bias"] * (rate * gain), x, p["kernel"] * (rate * gain / math.sqrt(x.shape[1])))
    return F.leaky_relu(y, SLOPE) if active else y


def fir(x: torch.Tensor, padding: int, stride: int = 1, gain: float = 1.0) -> torch.Tensor:
    """[1, 3, 3, 1] along both axes, channel by channel."""
    c = x.shape[1]
    taps = (torch.outer(TAPS, TAPS) * gain).expand(c, 1, 4, 4)
    return F.conv2d(x, taps, stride=stride, padding=padding, groups=c)


def upsampled(x: torch.Tensor) -> torch.Tensor:
    """Twice the resolution, by zeros between the pixels and [1, 3, 3, 1]."""
    c = x.shape[1]
    taps = (torch.outer(TAPS, TAPS) * 4).expand(c, 1, 4, 4)
    return F.conv_transpose2d(x, taps, stride=2, padding=1, groups=c)


def styled(p: dict, x: torch.Tensor, w: torch.Tensor, noise: torch.Tensor, up: bool = False) -> torch.Tensor:
    """Modulated convolution, noise, bias, activation."""
    styles, kernel = dense(p["style"], w), p["kernel"]
    scaled = x * styles[:, :, None, None]
    if up:
        y = fir(F.conv_transpose2d(scaled, kernel.transpose(0, 1), stride=2), 1, gain=4.0)
    else:
        y = F.conv2d(scaled, kernel, padding=1)
    scale = GAIN * torch.rsqrt(styles.square() @ kernel.square().sum(dim=(2, 3)).t() + 1e-8)
    offset = noise * (GAIN * p["noise_strength"]) + GAIN * p["bias"][None, :, None, None]
    return F.leaky_relu(torch.addcmul(offset, y, scale[:, :, None, None]), SLOPE)


def to_image(p: dict, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """Modulated 1x1 convolution without demodulation."""
    styles = dense(p["style"], w) / math.sqrt(x.shape[1])
    return F.conv2d(x * styles[:, :, None, None], p["kernel"], p["bias"])


def mapping(p: dict, z: torch.Tensor) -> torch.Tensor:
    """z [N, Z] -> w [N, D]."""
    w = z * torch.rsqrt(z.square().mean(dim=1, keepdim=True) + 1e-8)
    for i in range(len(p)):
        w = dense(p[f"dense_{i}"], w, 0.01, active=True)
    return w


def synthesis(p: dict, ws: torch.Tensor, noise: list[torch.Tensor]) -> torch.Tensor:
    """ws [N, layers, D], noise of every level [N, 2, H, W] -> images [N, C, H, W]."""
    x, image = p["constant"].permute(2, 0, 1)[None].expand(len(ws), -1, -1, -1).contiguous(memory_format=torch.channels_last), None
    for level, drawn in enumerate(noise):
        q, first = p[f"level_{level}"], max(0, 2 * level - 1)
        if level:
            x = styled(q["conv0"], x, ws[:, first], drawn[:, 1:], up=True)
        x = styled(q["conv1"], x, ws[:, first + (level > 0)], drawn[:, :1])
        rgb = to_image(q["to_image"], x, ws[:, first + 1 + (level > 0)])
        image = rgb if image is None else upsampled(image) + rgb
    return image


def convolution(p: dict, x: torch.Tensor, gain: float = 1.0, down: bool = False) -> torch.Tensor:
    """3x3 or 1x1 convolution, bias, activation."""
    kernel = p["kernel"]
    kernel = kernel * (GAIN * gain / math.sqrt(kernel[0].numel()))
    x = fir(x, 2) if down else x
    y = F.conv2d(x, kernel, p["bias"] * (GAIN * gain), stride=2 if down else 1, padding=0 if down else kernel.shape[2] // 2)
    return F.leaky_relu(y, SLOPE)


def discriminator(p: dict, x: torch.Tensor, levels: int) -> torch.Tensor:
    """Images [N, C, H, W] -> logits [N]."""
    half = math.sqrt(0.5)
    x = convolution(p[f"level_{levels - 1}"]["from_image"], x)
    for level in reversed(range(1, levels)):
        q = p[f"level_{level}"]
        kernel = q["skip"]["kernel"]
        skip = F.conv2d(fir(x, 1, stride=2), kernel * (half / math.sqrt(kernel.shape[1])))
        x = skip + convolution(q["conv1"], convolution(q["conv0"], x), half, down=True)
    n = len(x)
    group = next(g for g in range(min(4, n), 0, -1) if n % g == 0)
    y = x.reshape(group, n // group, -1)
    deviation = torch.sqrt(y.var(dim=0, unbiased=False) + 1e-8).mean(dim=1)
    x = torch.cat([x, deviation.repeat(group)[:, None, None, None].expand(n, 1, *x.shape[2:])], dim=1)
    x = convolution(p["conv"], x)
    x = dense(p["dense"], x.permute(0, 2, 3, 1).reshape(n, -1), active=True)
    return dense(p["logits"], x)[:, 0]


def new_players(generator: Any, discriminator: Any, learning_rate: float, path_every: int, r1_every: int) -> Players:
    """Players with our parameters: {"mapping", "synthesis"} and those of the discriminator."""
    generator, discriminator = from_jgan(generator), from_jgan(discriminator)

    def adam(params, interval):
        c = interval / (interval + 1) if interval else 1.0
        return torch.optim.Adam(leaves(params), lr=learning_rate * c, betas=(0.0, 0.99**c), eps=1e-8, fused=True)

    average = [leaf.detach().clone() for leaf in leaves(generator)]
    optimizers = adam(generator, path_every), adam(discriminator, r1_every)
    return Players(generator["mapping"], generator["synthesis"], discriminator, average, optimizers)


def trainer(
    players: Players, config: Any, sizes: tuple[tuple[int, int], ...], images: np.ndarray, compiler: Callable = lambda function: function
) -> Callable[[int], None]:
    """(number of a step) -> one step as trained, on random uint8 images [n, H, W, C].

    `compiler`, say torch.compile, is for the networks in the adversarial losses: it has no second derivatives, which the penalties need.
    """
    layers, levels, n = 2 * len(sizes), len(sizes), config.batch
    r1_weight = 0.0002 * images.shape[1] * images.shape[2] / n if config.r1_weight is None else config.r1_weight
    data = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=torch.channels_last).to(DEVICE)
    adam_g, adam_d = players.optimizers
    params_g = [*leaves(players.mapping), *leaves(players.synthesis)]
    params_d, path_mean = leaves(players.discriminator), torch.zeros((), device=DEVICE)
    drawn, judged = compiler(synthesis), compiler(discriminator)

    def draw(n):
        noise = [torch.randn(n, 2, *size, device=DEVICE).contiguous(memory_format=torch.channels_last) for size in sizes]
        return torch.randn(n, config.latent_size, device=DEVICE), noise

    def generate(n):
        z, noise = draw(n)
        return drawn(players.synthesis, mapping(players.mapping, z)[:, None].expand(-1, layers, -1), noise)

    def real():
        chosen = torch.randint(len(data), (n,), device=DEVICE)
        return (data[chosen].float() / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)

    def learn(loss, params, optimizer):
        for p, gradient in zip(params, torch.autograd.grad(loss, params, allow_unused=True), strict=True):
            p.grad = torch.zeros_like(p) if gradient is None else gradient
        optimizer.step()

    def logits_of(x):
        return judged(players.discriminator, x, levels)

    def step(number):
        learn(F.softplus(-logits_of(generate(n))).mean(), params_g, adam_g)
        if config.path_every and number % config.path_every == 0:
            z, noise = draw(n // config.path_shrink)
            ws = mapping(players.mapping, z)[:, None].repeat(1, layers, 1)
            fake = synthesis(players.synthesis, ws, noise)
            direction = torch.randn_like(fake) / math.sqrt(fake.shape[2] * fake.shape[3])
            (gradient,) = torch.autograd.grad((fake * direction).sum(), ws, create_graph=True)
            lengths = gradient.square().sum(dim=2).mean(dim=1).sqrt()
            path_mean.add_((lengths.mean().detach() - path_mean) * 0.01)
            learn(config.path_weight * config.path_every * (lengths - path_mean).square().mean(), params_g, adam_g)
        with torch.no_grad():
            fake = generate(n)
        learn(F.softplus(logits_of(fake)).mean() + F.softplus(-logits_of(real())).mean(), params_d, adam_d)
        if config.r1_every and number % config.r1_every == 0:
            x = real().requires_grad_()
            logits = discriminator(players.discriminator, x, levels)
            (gradient,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
            learn(r1_weight / 2 * config.r1_every * gradient.square().sum(dim=(1, 2, 3)).mean(), params_d, adam_d)
        torch._foreach_lerp_(players.average, [p.detach() for p in params_g], 0.001)

    return step
