"""Which kind of operation takes how much time: a trace of the profiler, beside the text of the program that ran.

The text says of each operation what is in it, by which path of modules and primitives it came about (`op_name`) and in which functions of
Python (`stack_frame_id`, since jax 0.10). The first pattern of `KINDS` that is found there is its kind.
"""

import collections
import gzip
import json
import re
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
from benchmarks import measure
from benchmarks.compiler.program import OPERATION, computations, operations_run

KINDS = {  # what is looked for in an `Operation.described`
    "augmentation": r"jgan/augment/",
    "convolution": r"\b(convolution|dot)\(|__cudnn\$conv|__cublas|__onednn",  # and matrix products
    "copies": r" : ((fusion|copy|transpose|bitcast|convert|parameter|constant)\( ?)+$",  # of layout and precision, by themselves
    "optimizer": r"/optax/|^\S*jgan/training/(update|averages)\.py",  # the second where nothing is called further
    "filter": r"jgan_filter|jgan/ops/resample\.py",
    "random": r"jgan/ops/random\.py|random_bits|rng_bit_generator|threefry",
    "reduction": r"\breduce(-window)?\(",
    "activation": r"jgan/ops/activation\.py",
}
OTHER = "other"
OF_LIBRARIES = re.compile(r"gemm|conv|xmma|cutlass|cudnn|nvjet|[dw]grad|fprop")  # kernels without an operation: products all of them
CONTAINERS = "while", "conditional", "call"  # their time is spent by the operations within


class Operation(NamedTuple):
    """One operation of a compiled program."""

    result: str
    opcode: str
    within: str  # the computation
    origin: str  # path of modules and primitives; "" if the text does not say
    described: str  # functions of Python, innermost first; path : what is computed


class Calls(NamedTuple):
    """How often an operation ran, and the milliseconds that it took in all."""

    count: int
    ms: float


def profiled(function: Callable[[], Any], steps: int, text: str) -> dict[str, Any]:
    """What a call of a function of `steps` steps spends its time on, per step, with the program's text; see `by_kind`."""
    return by_kind(traced(function), steps, operations(text))


def traced(function: Callable[[], Any]) -> dict[str, Calls]:
    """The operations that run on the devices during a call, by their `plain` names."""
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            jax.block_until_ready(function())
        (path,) = Path(folder).rglob("*.trace.json.gz")
        return calls(json.loads(gzip.decompress(path.read_bytes()))["traceEvents"])


def calls(events: list[dict[str, Any]]) -> dict[str, Calls]:
    """Sums up the events of a trace by operation, or by kernel where no operation is named.

    On GPUs those of streams count, on TPUs those of the line of operations, on CPUs all that name an operation.

    >>> device = {"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "/device:GPU:0"}}
    >>> stream = {"ph": "M", "pid": 1, "tid": 7, "name": "thread_name", "args": {"name": "Stream #7(Compute)"}}
    >>> kernel = {"ph": "X", "pid": 1, "tid": 7, "name": "loop_add_fusion_2", "dur": 3.0}
    >>> calls([device, stream, kernel, kernel, {**kernel, "tid": 8}])
    {'loop_add_fusion_2': Calls(count=2, ms=0.006)}
    """
    names = {(e["pid"], e.get("tid")): e["args"]["name"] for e in events if e.get("name") in ("process_name", "thread_name")}
    devices = {pid for (pid, tid), name in names.items() if tid is None and name.startswith("/device:")}
    lines = {place: name for place, name in names.items() if place[0] in devices}
    streams = {place for place, name in lines.items() if name.startswith("Stream")}
    chosen = streams or {place for place, name in lines.items() if name == "XLA Ops"}
    found = collections.defaultdict(list)
    for event in events:
        named = event.get("args", {}).get("hlo_op")
        if event.get("ph") == "X" and ((event["pid"], event.get("tid")) in chosen if devices else named):
            found[plain((named or event["name"]).split("__onednn$")[0])].append(event["dur"] / 1e3)
    return {name: Calls(len(ms), sum(ms)) for name, ms in found.items()}


def operations(text: str) -> dict[str, Operation]:
    """The operations of a program that run by themselves, by their `plain` names.

    >>> text = '''
    ... ENTRY %main (a: f32[2,2], b: f32[2,2]) -> f32[2,2] {
    ...   ROOT %dot.1 = f32[2,2]{1,0} dot(%a, %b), metadata={op_name="jit(step)/layer/dot_general"}
    ... }'''
    >>> operations(text)["dot_1"][:4]
    ('f32[2,2]', 'dot', 'main', 'jit(step)/layer/dot_general')
    """
    frames, parts, found = stacks(text), computations(text), {}
    for within, line in operations_run(text):
        if match := OPERATION.match(line):
            name, result, opcode, _ = match.groups()
            inner = [other for part in re.findall(r"calls=%?([\w.\-]+)", line) for other in parts.get(part, [])]
            lines = [line, *reversed(inner)]  # its own origin, or what it ends with
            origin = next(filter(None, (_of(r'op_name="([^"]*)"', other) for other in lines)), "")
            stack = next(filter(None, (frames.get(_of(r"stack_frame_id=(\d+)", other)) for other in lines)), "")
            opcodes = " ".join(f"{m[3]}({_of('custom_call_target=.([^ ,]*)', m.string)}" for m in map(OPERATION.match, lines) if m)
            found[plain(name)] = Operation(result.split("{")[0].strip("("), opcode, within, origin, f"{stack} {origin} : {opcodes}")
    return found


def stacks(text: str) -> dict[str, str]:
    """The functions that each frame of a program was traced in, "file:function", innermost first.

    The number of the frame that called one is written one too high in some releases: the outermost says by how much.
    """
    files, functions = (dict(re.findall(r'^(\d+) "(.*)"$', _table(text, name), re.M)) for name in ("FileNames", "FunctionNames"))
    places = re.findall(r"^(\d+) {file_name_id=(\d+) function_name_id=(\d+)", _table(text, "FileLocations"), re.M)
    where = {number: f"{files.get(file)}:{functions.get(function)}" for number, file, function in places}
    frames = re.findall(r"^(\d+) {file_location_id=(\d+)(?: parent_frame_id=(\d+))?", _table(text, "StackFrames"), re.M)
    excess, found = int(frames[0][2] or 0) if frames else 0, {}
    for number, place, caller in frames:
        found[number] = f"{where.get(place)} {found.get(str(int(caller or 0) - excess), '')}".strip()
    return found


def kind(operation: Operation) -> str:
    """The first kind of `KINDS` whose pattern the description has.

    >>> operation = Operation("f32[8]", "fusion", "main", "", "jgan/ops/activation.py:bias_activation jvp()/mul : fusion( reduce(")
    >>> kind(operation), kind(operation._replace(described="loss.py:f jit(step)/mul : fusion( multiply("))
    ('reduction', 'other')
    """
    return next((name for name, pattern in KINDS.items() if re.search(pattern, operation.described)), OTHER)


def by_kind(found: Mapping[str, Calls], steps: int, of_program: Mapping[str, Operation], longest: int = 10) -> dict[str, Any]:
    """Kernels and milliseconds per step, by kind; what takes longest; and how often each computation of the program ran.

    `unexplained` is the share of the time of kernels of which the program does not say where they come from; they count as other.
    """
    ran = {name: of for name, of in found.items() if name not in of_program or of_program[name].opcode not in CONTAINERS}
    total, kinds, unexplained = sum(of.ms for of in ran.values()), dict.fromkeys([*KINDS, OTHER], 0.0), 0.0
    for name, of in ran.items():
        kinds[kind_of(name, of_program)] += of.ms / steps
        unexplained += of.ms if kind_of(name, of_program) == OTHER and not (name in of_program and of_program[name].origin) else 0.0
    first = sorted(ran, key=lambda name: -ran[name].ms)[:longest]
    return {
        "kernels": measure.digits(sum(of.count for of in ran.values()) / steps),
        "busy_ms": measure.digits(total / steps),
        "kinds_ms": {name: measure.digits(ms) for name, ms in kinds.items()},
        "unexplained": measure.digits(unexplained / total) if total else None,
        "longest": {name: told(name, of_program, ran[name], steps, total) for name in first},
    }


def computations_ran(found: Mapping[str, Calls], steps: int, of_program: Mapping[str, Operation]) -> dict[str, float]:
    """How often each computation ran per step: as often as what ran most often of it; those of which nothing was seen are left out."""
    times = collections.defaultdict(float)
    for name, of in found.items():
        if name in of_program:
            within = of_program[name].within
            times[within] = max(times[within], of.count / steps)
    return dict(times)


def plain(name: str) -> str:
    """A name in the form of a kernel in C: operations and their kernels are called alike but for this.

    >>> plain("loop_add-fusion.2")
    'loop_add_fusion_2'
    """
    return re.sub(r"\W", "_", name)


def kind_of(name: str, of_program: Mapping[str, Operation]) -> str:
    """The kind of what has this name in a trace; kernels of libraries that no operation names are products."""
    if name in of_program:
        return kind(of_program[name])
    return "convolution" if OF_LIBRARIES.search(name) else OTHER


def told(name: str, of_program: Mapping[str, Operation], of: Calls, steps: int, total: float) -> dict[str, Any]:
    """What a report says of one operation; `total` is the milliseconds of all."""
    result, origin = (of_program[name].result, of_program[name].origin) if name in of_program else ("", "")
    figures = {"ms": of.ms / steps, "share": of.ms / total, "calls": of.count / steps}
    where = {"kind": kind_of(name, of_program), "result": result, "from": "/".join(origin.split("/")[-2:])}
    return where | {name: measure.digits(value) for name, value in figures.items()}


def _of(pattern, line):
    """The group of a pattern in a line; "" if it is not there."""
    found = re.search(pattern, line)
    return found[1] if found else ""


def _table(text, name):
    """The lines of one of the tables before the computations."""
    return _of(rf"(?ms)^{name}\n(.*?)(?:\n\n|\Z)", text)
