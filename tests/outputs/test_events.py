import io
import time

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.summary import Summary
from tests.outputs.examples import KINDS, RATE, numbers, of_kind, opened
from tests.outputs.test_sounds import read

from jgan.outputs import audio, events, image, render


def reloaded(folder, values):
    """What TensorBoard makes of summary values."""
    writer = EventsWriter(str(folder / "events"))
    writer.write_event(Event(wall_time=time.time(), step=7, summary=Summary(value=values)))
    writer.close()
    found = EventAccumulator(str(folder), size_guidance={"images": 0, "audio": 0, "tensors": 0})
    found.Reload()
    return found


@pytest.fixture
def board(tmp_path):
    return reloaded(tmp_path, events(render({name: of_kind(name) for name in KINDS}, KINDS)))


def test_tags(board):
    tags = board.Tags()
    assert set(tags["images"]) == {"samples", "samples/video", "samples/audio"}
    assert set(tags["audio"]) == {f"samples/audio/{i:04d}" for i in range(3)}
    assert tags["tensors"] == ["samples/tokens/text_summary"]


def test_pictures(board):
    (event,) = board.Images("samples")
    assert event.step == 7
    pixels = opened(event.encoded_image_string)
    assert pixels.shape[:2] == (event.height, event.width) == (12, 10)
    np.testing.assert_array_equal(pixels[:6, :5], KINDS["image"].check("", of_kind("image"))[0])


def test_sounds(board):
    (event,) = board.Audio("samples/audio/0001")
    assert (event.sample_rate, event.length_frames, event.content_type) == (RATE, 500, "audio/wav")
    _, found = read(event.encoded_audio_string)
    np.testing.assert_array_equal(found[:, 0], np.round(np.clip(of_kind("audio")[1], -1, 1) * 32767))


def test_text(board):
    (event,) = board.Tensors("samples/tokens/text_summary")
    assert event.tensor_proto.string_val[0].decode() == "    a\n    red & <b> a red & <b>\n    cat cat cat"


def test_what_is_large_or_many_is_shown_smaller_or_in_part(tmp_path):
    outputs = {"image": np.zeros((1, 8, 2048, 1), np.float32), "sound": numbers(12, 50)}
    board = reloaded(tmp_path, events(render(outputs, {"image": image(), "sound": audio(8_000)}), "drawn"))
    assert len(board.Tags()["audio"]) == 8
    (event,) = board.Images("drawn")
    assert (event.height, event.width) == (4, 1024)
    with io.BytesIO(event.encoded_image_string) as content:
        assert opened(content.getvalue()).shape == (4, 1024)
