"""How many instructions the kernels of a program for GPUs execute: what the passes over memory with many taps take longest for.

The compiler writes its kernels (PTX) and how many threads each is started with into a folder. An instruction counts once for every thread
that is started. Those in loops within a kernel, of sums above all, count once too, so theirs are lower bounds. Kernels of libraries have no
text.
"""

import math
import re
from collections.abc import Mapping
from pathlib import Path

from benchmarks.compiler.kinds import plain

_ENTRY = re.compile(r"\.entry (\w+)\((.*?)^}", re.S | re.M)
_STARTED = re.compile(r"\] (\S+) grid: \[(\d+), (\d+), (\d+)\] threads: \[(\d+), (\d+), (\d+)\]")
_FUSION = re.compile(r"^ +(?:ROOT )?%?([\w.\-]+) = .* fusion\(")


def executed(text: str, folder: Path) -> dict[str, int]:
    """Instructions of all threads of each fusion of a program, by its `plain` name; those of unknown kernels are left out.

    Args:
      text: of the compiled program. It names the kernel that equal fusions share.
      folder: what the compiler wrote (`xla_dump_to`).
    """
    lengths, threads = {}, {}
    for file in folder.glob("*.ptx"):
        lengths |= instructions(file.read_text())
    for file in folder.glob("*thunk_sequence.txt"):
        threads |= started(file.read_text())
    known = {name: lengths[name] * threads[name] for name in lengths.keys() & threads.keys()}
    shared = alike(text)
    of_shared = {shared[name]: count for name, count in known.items() if name in shared}
    found = {name: known.get(name, of_shared.get(kernel)) for name, kernel in shared.items()}
    return {name: count for name, count in found.items() if count is not None}


def instructions(ptx: str) -> dict[str, int]:
    """The instructions of each kernel of a text in PTX.

    >>> instructions(".visible .entry add(\\n\\t.param .b64 p\\n)\\n{\\n\\t.reg .b32 %r<2>;\\n\\tmov.u32 \\t%r1, 1;\\n\\tret;\\n}\\n")
    {'add': 2}
    """
    return {name: len(re.findall(r"^\t+(?:@!?%p\d+ )?[a-z]", body, re.M)) for name, body in _ENTRY.findall(ptx)}


def started(thunks: str) -> dict[str, int]:
    """The threads that each kernel is started with.

    >>> started("001: kCustomKernel [source | sink] loop_add.1 grid: [8, 2, 1] threads: [128, 1, 1]  shared_memory: 0 bytes")
    {'loop_add_1': 2048}
    """
    return {plain(name): math.prod(map(int, counts)) for name, *counts in _STARTED.findall(thunks)}


def alike(text: str) -> Mapping[str, str]:
    """By the name of each fusion, the kernel which it shares with those like it.

    >>> alike('  %add.2 = f32[8] fusion(%a), metadata={deduplicated_name="add.1"}' + chr(10) + "  %b = f32[8] fusion(%a)")
    {'add_2': 'add_1', 'b': 'b'}
    """
    found = {}
    for line in text.splitlines():
        if match := _FUSION.match(line):
            shared = re.search(r'deduplicated_name="([^"]*)"', line)
            found[plain(match[1])] = plain(shared[1] if shared else match[1])
    return found
