"""Programs for devices that are not here: what is read from their text, and that a training step has no slow convolutions."""

import dataclasses
import doctest
import json

import jax
import pytest
from benchmarks.compiler import ahead_of_time, instructions, kinds, program

from jgan.systems import stylegan

TINY = stylegan.Config(
    resolution=8, batch=4, channel_base=64, channel_max=8, latent_size=8, style_size=8, mapping_layers=1, augment="none", style_mixing=0
)
LINES = {  # of programs for TPU, CPU and GPU
    "product": "%p = f32[8,64]{0,1:T(8,128)} convolution(%a, %b), dim_labels=bf_io->bf",
    "forward": "ROOT %c = f32[8,4,4,64]{3,0,2,1:T(8,128)} convolution(%a, %b), window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f",
    "grouped": "%c = f32[1,8,8,4]{3,2,1,0} convolution(%a, %b), window={size=3x3}, dim_labels=b01f_01io->b01f, feature_group_count=2",
    "grouped_batch": "%c = f32[3,3,8,8]{3,2,1,0} convolution(%a, %b), window={size=9x9}, dim_labels=f01b_i01o->01bf, batch_group_count=4",
    "weight": "%w = f32[3,3,64,64]{3,2,1,0} convolution(%a, %b), window={size=4x4 rhs_dilate=2x2}, dim_labels=f01b_i01o->01bf",
    "cudnn": "%w = (f32[64,3,3,64]{3,2,1,0}, u8[0]{0}) custom-call(%a, %b), window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_o01i->b01f, "
    'custom_call_target="__cudnn$convBackwardFilter"',
}


@pytest.mark.parametrize("module", [program, ahead_of_time, kinds, instructions])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


def test_convolutions_are_told_apart():
    text = "\n".join("  " + line for line in LINES.values())
    names = {line: name for name, line in LINES.items()}
    assert [names[line] for line in program.convolutions(text)] == [name for name in LINES if name != "product"]
    assert [names[line] for line in program.odd_convolutions(text)] == ["grouped", "grouped_batch"]
    assert [names[line] for line in program.weight_gradients(text)] == ["grouped_batch", "weight", "cudnn"]
    assert program.convolutions("%r = f32[8] fusion(%convolution.1), metadata={op_name='window={size=3x3}'}") == []


GPU_PROGRAM = """
%fused_add (p: bf16[8,65,65,64]) -> bf16[8,64,64,64] {
  %p = bf16[8,65,65,64]{3,2,1,0} parameter(0)
  ROOT %a = bf16[8,64,64,64]{3,2,1,0} add(%p, %p)
}
%region (a: f32[], b: f32[]) -> f32[] {
  ROOT %add = f32[] add(%a, %b)
}
%body (t: (f32[4])) -> (f32[4]) {
  %t = (f32[4]{0}) parameter(0)
  %n = f32[4]{0} get-tuple-element(%t), index=0
  %neg = f32[4]{0} negate(%n)
}
ENTRY %main.1 (x: bf16[8,32,32,128], k: bf16[128,3,3,64]) -> bf16[8,64,64,64] {
  %x = bf16[8,32,32,128]{3,2,1,0} parameter(0)
  %k = bf16[128,3,3,64]{3,2,1,0} parameter(1)
  %up = (bf16[8,65,65,64]{3,2,1,0}, u8[0]{0}) custom-call(%x, %k), window={size=3x3 stride=2x2}, dim_labels=b01f_o01i->b01f, OF_Input"
  %y = bf16[8,65,65,64]{3,2,1,0} get-tuple-element(%up), index=0
  %fir = bf16[8,64,64,64]{3,2,1,0} fusion(%y), kind=kLoop, calls=%fused_add
  %down = (bf16[128,3,3,64]{3,2,1,0}, u8[0]{0}) custom-call(%y, %x), window={size=3x3 stride=2x2}, dim_labels=b01f_o01i->b01f, OF_Filter"
  %sum = f32[] reduce(%fir, %zero), dimensions={0,1,2,3}, to_apply=%region
  %w = (f32[4]{0}) while(%init), condition=%c, body=%body
  %called = f32[4]{0} call(%w), to_apply=%other
}""".replace("OF_", 'custom_call_target="__cudnn$convBackward')


def test_kernels_of_a_program_for_gpus():
    x, k, y, fir = 2 * 8 * 32 * 32 * 128, 2 * 128 * 3 * 3 * 64, 2 * 8 * 65 * 65 * 64, 2 * 8 * 64 * 64 * 64
    flops = 2 * 8 * 32 * 32 * 9 * 128 * 64
    sizes = [(0, 32), (flops, x + k + y), (0, y + fir), (flops, x + k + y), (0, fir + 4)]
    assert [kernel[:2] for kernel in program.kernels(GPU_PROGRAM)] == sizes
    assert [kernel.half for kernel in program.kernels(GPU_PROGRAM)] == [False, True, True, True, False]
    assert [(kernel.name, kernel.within) for kernel in program.kernels(GPU_PROGRAM)] == [
        ("neg", "body"),
        *((name, "main.1") for name in ("up", "fir", "down", "sum")),
    ]


ON_EIGHT = """
ENTRY %main (x: f32[1000000]) -> f32[1000000] {
  %x = f32[1000000]{0} parameter(0)
  %s = f32[1000000]{0} all-reduce-start(%x), to_apply=%region
  %t = f32[4]{0} all-reduce-start(%y), to_apply=%region
  %f = f32[4800000]{0} fusion(%x), kind=kLoop, calls=%inner
  %e = f32[4]{0} all-reduce-done(%t)
  %d = f32[1000000]{0} all-reduce-done(%s)
  %g = f32[1000000]{0} fusion(%d), kind=kLoop, calls=%inner
  ROOT %u = f32[1000000]{0} all-reduce(%g), to_apply=%region
}"""


def test_what_is_computed_while_gradients_are_on_their_way():
    assert [(found.bytes, found.between) for found in program.overlaps(ON_EIGHT)] == [(16, ["f"]), (4_000_000, ["f"])]
    (found,) = ahead_of_time.overlap(ON_EIGHT, {})
    assert (found["megabytes"], found["kernels"]) == (4.0, 1)
    assert found["estimated_ms"] == pytest.approx(1e3 * 4 * 5_800_000 / (0.8 * 4.8e12), rel=1e-3)  # the bytes of x and of f
    assert program.collectives(ON_EIGHT)["all-reduce"]["arrays"] == 3


def test_the_estimate_for_a_gpu():
    class H200:
        platform = "cuda"

    found = ahead_of_time.cost(None, GPU_PROGRAM, H200())
    flops, filtered, summed = 2 * 8 * 32 * 32 * 9 * 128 * 64, 2 * 8 * (65 * 65 + 64 * 64) * 64, 2 * 8 * 64 * 64 * 64
    assert found["gflops"] == pytest.approx(2 * flops / 1e9, rel=1e-3)
    seconds = 2 * flops / (0.55 * 989e12) + (filtered + summed) / (0.8 * 4.8e12)  # convolutions by operations, the others by bytes
    assert found["estimated_ms"] == pytest.approx(1e3 * seconds, rel=1e-3)
    by_kind = ahead_of_time.by_kind(GPU_PROGRAM)
    assert {name: of["kernels"] for name, of in by_kind.items()} == {"convolution": 2, "other": 2, "reduction": 1}
    assert sum(of["estimated_ms"] for of in by_kind.values()) == pytest.approx(found["estimated_ms"], rel=1e-3)
    many = {"fir": 10**12}  # instructions, which take 33 ms: the bytes of its kernel do not count then
    slowed = ahead_of_time.cost(None, GPU_PROGRAM, H200(), executed=many)
    rest = found["estimated_ms"] - 1e3 * filtered / (0.8 * 4.8e12)
    assert slowed["estimated_ms"] == pytest.approx(1e15 / (0.9 * 33.5e12) + rest, rel=1e-3)
    often = ahead_of_time.cost(None, GPU_PROGRAM, H200(), {"main.1": 2.0})  # and the body, of which nothing was seen, never
    assert often["estimated_ms"] == pytest.approx(2 * found["estimated_ms"], rel=1e-3)


def test_penalties_run_once_in_their_intervals():
    text = """
%path.1 (a: f32[2]) -> f32[2] {
}
%r1.2 (a: f32[2]) -> f32[2] {
}
ENTRY %main (x: f32[2]) -> f32[2] {
  %c = f32[2] conditional(%p, %a, %a), true_computation=%path.1, false_computation=%none
  %d = f32[2] conditional(%p, %a, %a), true_computation=%r1.2, false_computation=%none
}"""
    config = dataclasses.replace(TINY, path_every=4, r1_every=16)
    assert ahead_of_time.how_often(text, config) == {"path.1": 0.25, "r1.2": 0.0625, "main": 1.0}
    with pytest.raises(ValueError, match="zip"):
        ahead_of_time.how_often(text, dataclasses.replace(config, path_every=0))


def test_instructions_of_kernels_that_are_written_once(tmp_path):
    text = """
  %add.1 = f32[8] fusion(%a), kind=kLoop, calls=%f
  %add.2 = f32[8] fusion(%b), kind=kLoop, calls=%g, metadata={deduplicated_name="add.1"}
  %other = f32[8] fusion(%c), kind=kLoop, calls=%h"""
    kernel = "\t.reg .b32 %r<3>;\n$L__BB0_1:\n\tmov.u32 \t%r1, %tid.x;\n\t@%p1 bra \t$L__BB0_1;\n\tret;\n"
    (tmp_path / "module.1.ptx").write_text(f".visible .entry add_1(\n\t.param .u64 a\n)\n.reqntid 128, 1, 1\n{{\n{kernel}}}\n")
    (tmp_path / "module.thunk_sequence.txt").write_text("001: kCustomKernel [source] add_1 grid: [4, 1, 1] threads: [128, 1, 1]\n")
    assert instructions.executed(text, tmp_path) == {"add_1": 3 * 512, "add_2": 3 * 512}


@pytest.mark.parametrize("message, fits", [("RESOURCE_EXHAUSTED: used 17G of 15G", False), ("INTERNAL: broken", None)])
def test_a_step_that_does_not_fit_is_told(message, fits, monkeypatch):
    def compiled_step(config, devices):
        raise jax.errors.JaxRuntimeError(message + "\nmore")

    monkeypatch.setattr(ahead_of_time, "compiled_step", compiled_step)
    if fits is None:
        with pytest.raises(jax.errors.JaxRuntimeError, match="broken"):
            ahead_of_time.described(TINY, [None])
    else:
        found = ahead_of_time.described(TINY, [None])
        assert found == {"resolution": (8, 8), "batch": 4, "devices": 1, "does_not_fit": message}


def test_collectives():
    text = """
      %all-reduce.5 = (f32[3,3,8]{2,1,0:T(8,128)}, bf16[], /*index=2*/pred[5]{0}) all-reduce(%a, %b, %c), replica_groups={{0,1}}
      %s = (f32[2]{0}, f32[8]{0}) all-gather-start(%a)
      %d = f32[8]{0} all-gather-done(%s), metadata={op_name="all-gather"}
      %use = f32[8]{0} add(%d, %all-reduce.5)"""
    assert program.collectives(text) == {"all-reduce": {"arrays": 3, "bytes": 288 + 2 + 5}, "all-gather": {"arrays": 1, "bytes": 32}}
    assert program.collective_arrays(text, "all-to-all") == []


def kernels(devices):
    """With both penalties, so second derivatives too, and a weight gradient for each of the three 3x3 kernels of the generator at least."""
    config = dataclasses.replace(TINY, path_every=2, r1_every=4, augment="ada")
    found = ahead_of_time.kernels(ahead_of_time.compiled_step(config, devices)[0].as_text())
    assert found["convolutions"] - found["weight_gradients"] > found["weight_gradients"] >= 3
    return found


@pytest.fixture
def tolerant():
    """Of the promotions in optax.adam."""
    with jax.numpy_dtype_promotion("standard"):
        yield


@pytest.mark.slow
def test_no_odd_convolutions_here(tolerant):
    assert kernels(jax.devices()[:1])["odd"] == 0


@pytest.fixture
def uncached():
    """What is compiled for devices that are not here cannot be loaded again from the cache."""
    before = jax.config.jax_persistent_cache_min_compile_time_secs
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)
    yield
    jax.config.update("jax_persistent_cache_min_compile_time_secs", before)


@pytest.mark.slow
def test_neither_odd_convolutions_nor_loops_on_tpu(tolerant, uncached):
    try:
        devices = ahead_of_time.devices_of("v5e")
    except (RuntimeError, NotImplementedError) as missing:
        pytest.skip(f"there is no compiler for TPU: {missing}")
    found = kernels(devices)
    assert (found["odd"], found["passes"]) == (0, 0)


def test_what_is_printed(capsys, monkeypatch):
    monkeypatch.setattr(ahead_of_time, "devices_of", lambda target, description: jax.devices()[: {"v5e": 1, "v5e8": 8}[target]])
    monkeypatch.setattr(ahead_of_time, "compiled_step", lambda config, devices: (jax.jit(lambda x: x + 1).lower(1.0).compile(), {}))
    ahead_of_time.main(batch=16)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["target"], line["devices"]) for line in lines] == [("v5e", 1), ("v5e8", 8)]
    assert all(line["preset"] == "demo" and line["batch"] == 16 and line["kernels"]["odd"] == 0 for line in lines)
    assert all(line["cost"]["estimated_ms"] is None and line["collectives"] == {} and "commit" in line for line in lines)


def test_a_compiler_that_is_absent_is_told(capsys, monkeypatch):
    def absent(*_, **__):
        raise RuntimeError("no compiler\nat all")

    monkeypatch.setattr(ahead_of_time.topologies, "get_topology_desc", absent)
    ahead_of_time.main()
    out, error = capsys.readouterr()
    assert out == "" and error.splitlines() == [
        f"{t} is left out, since its compiler is not installed: no compiler" for t in ("v5e", "v5e8")
    ]


@pytest.mark.parametrize(
    "target, message", [("v9", "one of the targets v5e, v5e8, h200, h200x8, found 'v9'"), ("h200", "--gpu-description FILE")]
)
def test_mistakes(target, message):
    with pytest.raises(ValueError, match=message):
        ahead_of_time.devices_of(target)
