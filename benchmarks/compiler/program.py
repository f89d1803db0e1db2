"""What the text of a compiled program says: its convolutions, fusions, collectives and, on TPU, the cycles that the compiler expects.

Each operation of the text counts once, all branches of conditionals too; bodies of loops as often as they run where that is said.
"""

import math
import re
from typing import NamedTuple

COLLECTIVES = "all-reduce", "all-gather", "reduce-scatter", "collective-permute", "all-to-all"
_STARTS, _ENDS = ([f"{kind}-{part}" for kind in COLLECTIVES] for part in ("start", "done"))
_CONVOLUTION = re.compile(r' convolution\(|custom_call_target="__cudnn\$conv')
_ARRAY = re.compile(r"\b([a-z]+(\d*)\w*)\[([\d,]*)\]")
OPERATION = re.compile(r"^ +(?:ROOT )?%?([\w.\-]+) = (.*?) ([\w\-]+)\(([^)]*)\)")
_HEADER = re.compile(r"(?:ENTRY )?%?([\w.\-]+) \(")
_NOT_RUN = "parameter", "constant", "tuple", "get-tuple-element", "bitcast", "while", "conditional", "call", "after-all"
_WITHIN = re.compile(r" (?!call\()[\w\-]+\(.*?(?:calls|to_apply)=%?([\w.\-]+)")


def collectives(text: str) -> dict[str, dict[str, int]]:
    """How many arrays each kind of collective yields on one device, and their bytes. Kinds that do not occur are left out.

    >>> two = "%r = (f32[3,3,8]{2,1,0}, bf16[8]{0:T(128)}) all-reduce(%a, %b), channel_id=1"
    >>> collectives(two + chr(10) + "ROOT %g = f32[4]{0} all-gather-done(%s)")
    {'all-reduce': {'arrays': 2, 'bytes': 304}, 'all-gather': {'arrays': 1, 'bytes': 16}}
    """
    found = {kind: collective_arrays(text, kind) for kind in COLLECTIVES}
    return {kind: {"arrays": len(sizes), "bytes": sum(sizes)} for kind, sizes in found.items() if sizes}


def collective_arrays(text: str, kind: str) -> list[int]:
    """Bytes of every array that collectives of one kind yield on one device; those in two parts count where they are done.

    >>> collective_arrays("%s = f32[4] all-reduce-start(%a)" + chr(10) + "%d = f32[4] all-reduce-done(%s)", "all-reduce")
    [16]
    """
    return [size for result in re.findall(rf" = (.*?) {kind}(?:-done)?\(", text) for size in _sizes(result)]


class Overlap(NamedTuple):
    """A collective whose start and end are two operations."""

    bytes: int  # of what it yields on one device
    between: list[str]  # names of the kernels that are started before its end is waited for


def overlaps(text: str) -> list[Overlap]:
    """All collectives in two parts, in the order in which they end.

    >>> text = '''
    ... ENTRY %main (x: f32[256]) -> f32[256] {
    ...   %x = f32[256] parameter(0)
    ...   %s = f32[256] all-reduce-start(%x), to_apply=%add
    ...   %f = f32[256] fusion(%x), kind=kLoop, calls=%inner
    ...   %d = f32[256] all-reduce-done(%s)
    ...   ROOT %g = f32[256] fusion(%d), kind=kLoop, calls=%inner
    ... }'''
    >>> overlaps(text)
    [Overlap(bytes=1024, between=['f'])]
    """
    begun, found = {}, []
    for operation in (OPERATION.match(line) for _, line in operations_run(text)):
        if operation is None:
            continue
        name, result, kind, operands = operation.groups()
        if kind in _STARTS:
            begun[name] = []
        elif kind in _ENDS:
            found.append(Overlap(sum(_sizes(result)), begun.pop(operands.lstrip("%"))))
        elif kind not in _NOT_RUN:
            for names in begun.values():
                names.append(name)
    return found


def convolutions(text: str) -> list[str]:
    """The lines of all convolutions in two dimensions; on TPU matrix products are convolutions too, but without them.

    >>> len(convolutions("%p = f32[8,64] convolution(%a, %b), dim_labels=bf_io->bf"))
    0
    >>> len(convolutions("%c = f32[1,4,4,2] convolution(%a, %b), window={size=3x3}, dim_labels=b01f_01io->b01f"))
    1
    """
    return [line.strip() for line in text.splitlines() if _CONVOLUTION.search(line) and _window(line)]


def odd_convolutions(text: str) -> list[str]:
    """The lines of the convolutions in groups, for which no device has fast kernels.

    >>> line = "%c = f32[1,4,4,2] convolution(%a, %b), window={size=3x3}, dim_labels=b01f_01io->b01f"
    >>> len(odd_convolutions(line)), len(odd_convolutions(line + ", feature_group_count=2"))
    (0, 1)
    """
    return [line for line in convolutions(text) if any(int(n) > 1 for n in re.findall(r"(?:feature|batch)_group_count=(\d+)", line))]


def weight_gradients(text: str) -> list[str]:
    """The lines of the convolutions whose window, the image, is larger than what they yield, the gradient of a kernel.

    >>> len(weight_gradients("%w = f32[3,3,8,8] convolution(%a, %b), window={size=16x16 pad=1_1x1_1}, dim_labels=f01b_i01o->01bf"))
    1
    """
    return [line for line in convolutions(text) if "convBackwardFilter" in line or math.prod(_window(line)) > math.prod(_result(line))]


def fusions(text: str) -> int:
    """The number of fusions that are kernels: those that are not part of another one.

    >>> nested = '''
    ... %inner (p: f32[2]) -> f32[2] {
    ... }
    ... %outer (p: f32[2]) -> f32[2] {
    ...   ROOT %f = f32[2] fusion(%p), kind=kLoop, calls=%inner
    ... }
    ... ENTRY %main (p: f32[2]) -> f32[2] {
    ...   ROOT %g = f32[2] fusion(%p), kind=kLoop, calls=%outer
    ... }'''
    >>> fusions(nested)
    1
    """
    return sum(" fusion(" in line for _, line in operations_run(text))


def passes(text: str) -> dict[str, int]:
    """How often the body of each loop runs, by its name, if the loop counts up to a constant; once otherwise.

    >>> text = '''
    ... %cond (t: (s32[], f32[2])) -> pred[] {
    ...   %n.2 = s32[]{:T(128)} constant(9)
    ...   ROOT %less = pred[] compare(%get.1, %n.2), direction=LT
    ... }
    ... %body (t: (s32[], f32[2])) -> (s32[], f32[2]) {
    ...   %inner = (s32[], f32[2]) while(%t), condition=%cond, body=%inner_body
    ... }
    ... ENTRY %main (x: f32[2]) -> f32[2] {
    ...   %outer = (s32[], f32[2]) while(%start), condition=%cond, body=%body
    ... }'''
    >>> passes(text)
    {'inner_body': 81, 'body': 9}
    """
    parts = computations(text)
    loop_of = {}  # of a body: what holds the loop, and its condition
    for holder, lines in parts.items():
        for condition, body in re.findall(r" while\(.*condition=%?([\w.\-]+), body=%?([\w.\-]+)", "\n".join(lines)):
            loop_of[body] = holder, condition

    def times(name):
        holder, condition = loop_of.get(name, (None, None))
        return 1 if holder is None else times(holder) * _limit(parts.get(condition, []))

    return {body: times(body) for body in loop_of}


def taken(text: str) -> list[str]:
    """The computations of a program that run where a condition holds, in the order of the conditionals.

    >>> taken("%c = f32[2] conditional(%p, %a, %b), true_computation=%yes.1, false_computation=%no" + chr(10))
    ['yes.1']
    >>> taken("%c = f32[2] conditional(%i, %a, %b), branch_computations={%no, %yes.2}" + chr(10))
    ['yes.2']
    """
    return re.findall(r" conditional\(.*(?:true_computation=|branch_computations={%?[\w.\-]+, )%?([\w.\-]+)", text)


class Kernel(NamedTuple):
    """What the device is asked for at once."""

    flops: int  # of convolutions
    bytes: int  # of arguments and results
    half: bool  # whether the first result has 16 bits per number
    name: str
    within: str  # the computation: the program itself, or a branch or the body of a loop


def kernels(text: str) -> list[Kernel]:
    """The kernels of a program for GPUs: all operations but those within fusions and reductions.

    >>> text = '''
    ... ENTRY %main (x: bf16[8,4,4,64], k: bf16[3,3,64,64]) -> bf16[8,4,4,64] {
    ...   %x = bf16[8,4,4,64]{3,2,1,0} parameter(0)
    ...   %k = bf16[3,3,64,64]{3,2,1,0} parameter(1)
    ...   ROOT %c = bf16[8,4,4,64]{3,2,1,0} convolution(%x, %k), window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f
    ... }'''
    >>> kernels(text)
    [Kernel(flops=9437184, bytes=106496, half=True, name='c', within='main')]
    """
    arrays, found = {}, []
    for within, operation in ((within, OPERATION.match(line)) for within, line in operations_run(text)):
        if operation is None:
            continue
        name, result, kind, operands = operation.groups()
        arrays[name] = [a.groups() for a in _ARRAY.finditer(result)]
        if kind not in _NOT_RUN:
            used = [arrays.get(operand, []) for operand in re.findall(r"%([\w.\-]+)", operands)]
            size = sum(_bytes(*array) for array in [*arrays[name], *(a for operand in used for a in operand)])
            half = bool(arrays[name]) and "16" in arrays[name][0][0]
            found.append(Kernel(_flops(operation.string, arrays[name], used), size, half, name, within))
    return found


def estimated_cycles(text: str) -> int | None:
    """The sum of what the compiler for TPU expects of the operations that it estimates; None for other devices.

    Collectives, gathers and scatters are not in it.

    >>> line = '%x = f32[2] fusion(%p), backend_config={"estimated_cycles":"1825"}'
    >>> estimated_cycles("ENTRY %main (p: f32[2]) -> f32[2] {" + chr(10) + line), estimated_cycles("")
    (1825, None)
    """
    times = passes(text)
    cycles = [
        times.get(name, 1) * int(n)
        for name, lines in computations(text).items()
        for n in re.findall(r'"estimated_cycles":"(\d+)"', "\n".join(lines))
    ]
    return sum(cycles) if cycles else None


def computations(text):
    """The lines of each computation by its name."""
    found, lines = {}, []
    for line in text.splitlines():
        if header := _HEADER.match(line):
            lines = found.setdefault(header[1], [])
        lines.append(line)
    return found


def _limit(condition):
    """The constant up to which a loop counts by its condition, or 1."""
    constants = dict(re.findall(r"%?([\w.\-]+) = [su]\d+\[\]\S* constant\((\d+)\)", "\n".join(condition)))
    last = re.search(r" compare\([^)]*, %?([\w.\-]+)\), direction=LT", "\n".join(condition))
    return int(constants.get(last[1], 1)) if last else 1


def operations_run(text):
    """All computations but those within fusions and reductions, line by line: (name, line)."""
    within, name = set(_WITHIN.findall(text)), ""
    for line in text.splitlines():
        if header := _HEADER.match(line):
            name = header[1]
        if name not in within:
            yield name, line


def _sizes(result):
    """Bytes of each array of a result."""
    return [_bytes(*array.groups()) for array in _ARRAY.finditer(result)]


def _bytes(kind, bits, shape):
    """Of an array; kinds without a number, pred and tokens, take a byte per element."""
    return math.prod(int(n) for n in shape.split(",") if n) * max(1, int(bits or 8) // 8)


def _flops(line, result, operands):
    """Of a convolution x, kernel -> y: 2 per number of the kernel and pixel of y; 0 of all else."""
    if not (_CONVOLUTION.search(line) and _window(line)):
        return 0
    if "convBackwardFilter" in line:
        kernel, y = result[0], operands[1][0]
    elif "convBackwardInput" in line:
        kernel, y = operands[1][0], operands[0][0]
    else:
        kernel, y = operands[1][0], result[0]
    kernel, y = ([int(n) for n in shape.split(",")] for _, _, shape in (kernel, y))
    features = kernel[re.search(r"dim_labels=\w+_(\w+)->", line)[1].index("o")]
    return 2 * math.prod(kernel) * math.prod(y) // features


def _window(line):
    """(height, width) of the window of a convolution; () if it has not two dimensions."""
    size = re.search(r"window={size=(\d+)x(\d+)[ }]", line)
    return tuple(int(n) for n in size.groups()) if size else ()


def _result(line):
    """(height, width) of what a convolution yields."""
    shape = [int(n) for n in re.search(r" = \(?\w+\[([\d,]*)\]", line)[1].split(",")]
    labels = re.search(r"dim_labels=\w+->(\w+)", line)[1]
    return tuple(shape[labels.index(axis)] for axis in "01")
