"""Kinds of operations, from parts of a program for a GPU and of a trace."""

import jax
import jax.numpy as jnp
import pytest
from benchmarks.compiler import kinds

from jgan.ops.activation import bias_activation
from jgan.ops.resample import upsample

TEXT = """
FileNames
1 "/home/me/jgan/src/jgan/systems/stylegan.py"
2 "/home/me/jgan/src/jgan/training/update.py"
3 "/home/me/jgan/src/jgan/augment/warp.py"
4 "/home/me/jgan/src/jgan/ops/resample.py"
5 "/lib/site-packages/optax/_src/transform.py"
6 "/home/me/jgan/src/jgan/ops/activation.py"

FunctionNames
1 "build.<locals>.step"
2 "update.<locals>.step"
3 "f"

FileLocations
1 {file_name_id=1 function_name_id=1 line=1 end_line=1 column=1 end_column=2}
2 {file_name_id=2 function_name_id=2 line=1 end_line=1 column=1 end_column=2}
3 {file_name_id=3 function_name_id=3 line=1 end_line=1 column=1 end_column=2}
4 {file_name_id=4 function_name_id=3 line=1 end_line=1 column=1 end_column=2}
5 {file_name_id=5 function_name_id=3 line=1 end_line=1 column=1 end_column=2}
6 {file_name_id=6 function_name_id=3 line=1 end_line=1 column=1 end_column=2}

StackFrames
1 {file_location_id=1 parent_frame_id=1}
2 {file_location_id=2 parent_frame_id=2}
3 {file_location_id=3 parent_frame_id=3}
4 {file_location_id=4 parent_frame_id=3}
5 {file_location_id=5 parent_frame_id=3}
6 {file_location_id=6 parent_frame_id=3}
7 {file_location_id=4 parent_frame_id=4}


%add (a: f32[], b: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%a, %b)
}
%fused_reduce (p: f32[8,4]) -> f32[4] {
  %m = f32[8,4]{1,0} multiply(%p, %p), metadata={op_name="jit(step)/jvp(D)/mul" stack_frame_id=6}
  ROOT %r = f32[4]{0} reduce(%m, %zero), dimensions={0}, to_apply=%add
}
%fused_copy (p: bf16[8,4]) -> f32[4,8] {
  %c = f32[8,4]{1,0} convert(%p)
  ROOT %t = f32[4,8]{1,0} transpose(%c), dimensions={1,0}
}
%gemm (a: f32[8,4], b: f32[4,4]) -> f32[8,4] {
  ROOT %d = f32[8,4]{1,0} dot(%a, %b)
}
%branch (p: f32[4]) -> f32[4] {
  ROOT %late.1 = f32[4]{0} negate(%p), metadata={op_name="jit(step)/cond/neg" stack_frame_id=1}
}
ENTRY %main (x: f32[8,4], k: f32[4,4]) -> f32[4] {
  %conv.1 = (f32[8,4]{1,0}, u8[0]{0}) custom-call(%x, %k), custom_call_target="__cudnn$convForward", metadata={stack_frame_id=1}
  %gemm_fusion.1 = f32[8,4]{1,0} fusion(%x, %k), kind=kCustom, calls=%gemm
  %input_reduce_fusion = f32[4]{0} fusion(%y), kind=kInput, calls=%fused_reduce
  %loop_transpose_fusion = f32[4,8]{1,0} fusion(%y), kind=kLoop, calls=%fused_copy
  %warp.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/add" stack_frame_id=3}
  %in_warp.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/jgan_filter" stack_frame_id=7}
  %fir.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/add" stack_frame_id=4}
  %adam.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/add" stack_frame_id=5}
  %skip.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/select_n" stack_frame_id=2}
  %act.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/select_n" stack_frame_id=6}
  %bits.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/random_bits" stack_frame_id=1}
  %loss.2 = f32[8,4]{1,0} add(%x, %x), metadata={op_name="jit(step)/jvp()/add" stack_frame_id=1}
  %bare.2 = f32[8,4]{1,0} add(%x, %x)
  %cond.1 = f32[4]{0} conditional(%i, %input_reduce_fusion), branch_computations={%branch, %branch}
}
"""
KINDS = {
    "conv_1": "convolution",
    "gemm_fusion_1": "convolution",
    "input_reduce_fusion": "reduction",
    "loop_transpose_fusion": "copies",
    "warp_2": "augmentation",
    "in_warp_2": "augmentation",
    "fir_2": "filter",
    "adam_2": "optimizer",
    "skip_2": "optimizer",
    "act_2": "activation",
    "bits_2": "random",
    "loss_2": "other",
    "bare_2": "other",
    "late_1": "other",
}


def test_each_kind_is_found():
    found = kinds.operations(TEXT)
    assert {name: kinds.kind(operation) for name, operation in found.items() if operation.opcode not in kinds.CONTAINERS} == KINDS
    assert set(KINDS.values()) == {*kinds.KINDS, kinds.OTHER}
    assert found["input_reduce_fusion"].origin == "jit(step)/jvp(D)/mul" and found["conv_1"].result == "f32[8,4]"


def test_stacks_begin_with_the_innermost_function():
    files = [place.rpartition("/")[2] for place in kinds.stacks(TEXT)["7"].split()]
    assert files == ["resample.py:f", "warp.py:f", "update.py:update.<locals>.step", "stylegan.py:build.<locals>.step"]
    plainly = TEXT.replace("parent_frame_id=1}", "parent_frame_id=0}", 1)  # numbers that are not too high
    for frame, caller in ((2, 2), (3, 3), (4, 3), (5, 3), (6, 3), (7, 4)):
        old = f"{frame} {{file_location_id={frame if frame < 7 else 4} parent_frame_id={caller}}}"
        plainly = plainly.replace(old, old.replace(f"parent_frame_id={caller}", f"parent_frame_id={caller - 1}"))
    assert kinds.stacks(plainly) == kinds.stacks(TEXT)
    assert kinds.stacks("ENTRY %main (x: f32[]) -> f32[] {") == {}


def event(name, ms, tid=7, pid=1, **arguments):
    return {"ph": "X", "pid": pid, "tid": tid, "name": name, "dur": 1e3 * ms, "args": arguments}


def named(pid, name, tid=None):
    where = {"pid": pid} if tid is None else {"pid": pid, "tid": tid}
    return {"ph": "M", **where, "name": "process_name" if tid is None else "thread_name", "args": {"name": name}}


KERNELS = [  # of two steps
    event("cudnn_generated_kernel", 3.0, hlo_op="conv.1"),
    event("cudnn_generated_kernel", 3.0, hlo_op="conv.1"),
    event("sm90_xmma_gemm_bf16", 1.0),
    event("loop_transpose_fusion", 0.5),
    event("late_1", 0.5),
    event("MemcpyD2D", 1.0),
    event("cond.1", 9.0),
]
LINES = [named(1, "/device:GPU:0"), named(1, "Stream #7(Compute)", 7), named(1, "XLA Ops", 8), named(2, "/host:CPU"), named(2, "python", 7)]


def test_time_by_kind():
    others = [event("conv.1", 3.0, tid=8, hlo_op="conv.1"), event("python", 50.0, pid=2)]
    found, of_program = kinds.calls(LINES + KERNELS + others), kinds.operations(TEXT)
    assert found["conv_1"] == kinds.Calls(2, 6.0)
    report = kinds.by_kind(found, 2, of_program, longest=2)
    expected = {"convolution": 3.5, "copies": 0.25, "other": 0.75}
    assert report["kinds_ms"] == dict.fromkeys((*kinds.KINDS, kinds.OTHER), 0.0) | expected
    assert (report["kernels"], report["busy_ms"], report["unexplained"]) == (3.0, 4.5, pytest.approx(1 / 9, rel=1e-3))
    assert list(report["longest"]) == ["conv_1", "sm90_xmma_gemm_bf16"]
    assert report["longest"]["conv_1"] == {
        "kind": "convolution",
        "result": "f32[8,4]",
        "from": "",
        "ms": 3.0,
        "share": 0.6667,
        "calls": 1.0,
    }
    assert kinds.computations_ran(found, 2, of_program) == {"main": 1.0, "branch": 0.5}


@pytest.mark.parametrize(
    "events, expected",
    [
        ([named(1, "/device:TPU:0"), named(1, "XLA Ops", 8), event("fusion.3", 1.0, tid=8), event("step", 2.0, tid=9)], {"fusion_3"}),
        ([named(2, "/host:CPU"), event("dot.1__onednn$matmul", 1.0, hlo_op="dot.1__onednn$matmul"), event("wait", 2.0)], {"dot_1"}),
        ([named(2, "/host:CPU")], set()),
    ],
)
def test_what_counts_of_a_trace(events, expected):
    assert set(kinds.calls(events)) == expected


def test_nothing_seen():
    assert kinds.by_kind({}, 1, {})["unexplained"] is None


def test_a_program_on_this_machine():
    def loss(x, kernel, bias):
        y = upsample(jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")))
        return jnp.sum(bias_activation(y, bias) ** 2)

    arguments = jnp.ones((2, 16, 16, 4)), jnp.ones((3, 3, 4, 4)), jnp.ones(4)
    program = jax.jit(jax.grad(loss, argnums=(0, 1, 2))).lower(*arguments).compile()
    report = kinds.profiled(lambda: [program(*arguments) for _ in range(2)], 2, program.as_text())
    assert report["kernels"] > 4 and all(report["kinds_ms"][kind] > 0 for kind in ("convolution", "filter", "reduction"))
    assert sum(report["kinds_ms"].values()) == pytest.approx(report["busy_ms"], rel=0.01)
