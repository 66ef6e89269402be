"""The reader learns what it is shown, and comes back from disk as it was."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from moviedreamer_core.errors import WeightsError
from moviedreamer_core.evaluation.facts_of_frames import FACTS, HIDDEN, labels_of
from moviedreamer_core.evaluation.reader_frames import (
    NUM_PEOPLE,
    DrawnAhead,
    LabelledFrames,
    draw_batch,
    sample_scene,
)
from moviedreamer_core.evaluation.readers import FrameReader, load_reader, save_reader
from moviedreamer_core.training.readers import degraded, reader_losses
from moviedreamer_core.weights_files import write_manifest


@pytest.fixture(scope="module")
def reader():
    torch.manual_seed(0)
    return FrameReader().eval()


def test_every_fact_has_a_logit_per_value(reader):
    logits = reader(torch.rand(2, 3, 32, 48))
    assert {name: tuple(values.shape) for name, values in logits.items()} == {
        name: (2, len(values)) for name, values in FACTS.items()
    }


def test_reading_takes_the_most_likely_class(reader):
    images = torch.rand(3, 3, 32, 48)
    read, logits = reader.read(images), reader(images)
    for column, name in enumerate(FACTS):
        assert read[:, column].tolist() == [int(np.argmax(row)) for row in logits[name].detach().numpy()]


def test_a_frame_is_read_alike_alone_and_in_a_batch(reader):
    images = torch.rand(3, 3, 32, 48)
    together, alone = reader(images), reader(images[1:2])
    for name in FACTS:
        torch.testing.assert_close(together[name][1:2], alone[name], atol=1e-5, rtol=1e-4)


def test_a_size_that_does_not_divide_is_refused(reader):
    with pytest.raises(
        ValueError, match=r"frames are 50 x 32 px, the reader takes multiples of 16; resize them"
    ):
        reader(torch.rand(1, 3, 32, 50))


def test_the_reader_learns_32_frames_by_heart():
    torch.manual_seed(0)
    drawn, reader = draw_batch(0, 32), FrameReader()
    batch = LabelledFrames(
        np.ascontiguousarray(drawn.frames[:, ::2, ::2]), drawn.labels
    )  # half the size, for speed
    images = torch.from_numpy(batch.frames).permute(0, 3, 1, 2).float() / 255
    optimizer = torch.optim.AdamW(reader.parameters(), lr=2e-3)
    for step in range(30):
        loss = reader_losses(reader, batch, step)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        logits = reader(images)  # batch statistics: running ones need more steps
    wanted = ("place", "time", "people", "shot", "hair_colour", "outfit_colour")
    for column, name in enumerate(FACTS):
        shown = batch.labels[:, column] != HIDDEN
        if name in wanted:
            read = logits[name].argmax(dim=1).numpy()
            assert (read == batch.labels[:, column])[shown].mean() >= 0.9, name


def test_hidden_facts_carry_no_loss(reader):
    batch = draw_batch(1, 4)
    batch.labels[:] = HIDDEN
    assert set(reader_losses(reader, batch, 0)) == {"loss"}
    assert float(reader_losses(reader, batch, 0)["loss"]) == 0


def test_degraded_images_stay_images_and_depend_on_the_generator_alone():
    images = torch.rand(8, 3, 32, 48)
    first, again, other = (degraded(images, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert 0 <= float(first.min()) <= float(first.max()) <= 1
    untouched = (first == images).flatten(1).all(dim=1)
    assert 0 < untouched.sum() < 8


# --- frames drawn for it -----------------------------------------------------------------------------


def test_scenes_have_the_wanted_number_of_people():
    rng = np.random.default_rng(0)
    counts = np.bincount([len(sample_scene(rng).figures) for _ in range(600)], minlength=4) / 600
    np.testing.assert_allclose(counts, list(NUM_PEOPLE.values()), atol=0.07)


def test_a_batch_depends_on_its_step_alone_and_labels_its_frames():
    one, again, other = draw_batch(3, 2), draw_batch(3, 2), draw_batch(4, 2)
    assert np.array_equal(one.frames, again.frames)
    assert np.array_equal(one.labels, again.labels)
    assert not np.array_equal(one.frames, other.frames)
    rng = np.random.default_rng([0x72656164, 3])
    assert one.labels.tolist() == [list(labels_of(sample_scene(rng))) for _ in range(2)]


def test_batches_drawn_ahead_are_those_of_their_steps_also_after_a_jump():
    with DrawnAhead(1, processes=1) as batch_at:
        for step in (0, 1, 7):
            assert np.array_equal(batch_at(step).frames, draw_batch(step, 1).frames)


def test_drawing_ahead_without_its_processes_is_refused():
    with pytest.raises(ValueError, match="use `with DrawnAhead"):
        DrawnAhead(1, processes=1)(0)


# --- on disk -----------------------------------------------------------------------------------------


def vouch(folder: Path) -> None:
    write_manifest(folder, preset="miniature", command="test", commit="none", metrics={})


def test_a_saved_reader_reads_the_same_and_is_small(reader, tmp_path):
    path = save_reader(reader, tmp_path)
    assert path.stat().st_size <= 3_000_000
    vouch(tmp_path)
    images = torch.rand(2, 3, 32, 48)
    loaded = load_reader(tmp_path)(images)
    for name, logits in reader(images).items():
        torch.testing.assert_close(loaded[name], logits, atol=2e-2, rtol=1e-2)


def test_a_missing_reader_is_named(tmp_path):
    with pytest.raises(WeightsError, match=r"readers/model.safetensors: missing .* train the stage readers"):
        load_reader(tmp_path)


def test_a_damaged_reader_is_named(reader, tmp_path):
    path = save_reader(reader, tmp_path)
    vouch(tmp_path)
    path.write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"readers/model.safetensors: sha256 .* delete the file and fetch"):
        load_reader(tmp_path)


def test_a_reader_of_other_sizes_is_refused(reader, tmp_path):
    path = save_reader(reader, tmp_path)
    tensors = load_file(path)
    tensors["setting.place.bias"] = torch.zeros(3, dtype=torch.float16)
    save_file(tensors, path)
    vouch(tmp_path)
    with pytest.raises(WeightsError, match=r"setting.place.bias is \[3\], its place is \[18\]"):
        load_reader(tmp_path)
