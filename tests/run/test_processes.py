import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jgan.run.metrics_log import read_records

ROOT = Path(__file__).parents[2]


def begin(process, port, *arguments):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]), "JAX_NUM_CPU_DEVICES": "4"}
    cluster = ["--coordinator", f"localhost:{port}", "--processes", "2", "--process", str(process)]
    command = [sys.executable, str(ROOT / "tests/run/tiny_systems.py"), "colour", "train", *cluster, *map(str, arguments)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_a_signal_to_one_process_has_all_save_and_stop_at_the_same_step(tmp_path):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    long = ("--workdir", tmp_path / "run", "--kimg", 80, "--record-kimg", 0.064, "--score-kimg", 0, "--steps-per-call", 2)
    processes = [begin(0, port, *long), begin(1, port, *long)]
    folder = tmp_path / "run"
    try:
        while not read_records(folder / "metrics.jsonl"):
            assert processes[1].poll() is None
            time.sleep(0.1)
        processes[1].send_signal(signal.SIGTERM)
        output = [p.communicate(timeout=200)[0] for p in processes]
    finally:
        for p in processes:
            p.kill()
    assert [p.returncode for p in processes] == [0, 0], output
    last = read_records(folder / "metrics.jsonl")[-1]["step"]
    assert 8 <= last < 10_000
    assert (folder / "checkpoints" / f"{last:08d}").is_dir()
