"""Readers that teach an encoder what is true of a frame: they look where they say, and count what is there."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from moviedreamer_core.data.frame_labels import ABSENT, LABELS, PERSON
from moviedreamer_core.training.labels import LabelReader, PeopleReader, label_loss, labels_of_people

ROWS, COLUMNS, CHANNELS = 4, 6, 5


def at(grid: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """The grid's value at a spot of the picture, bilinear between patch centres, by hand."""
    column = min(max(x * COLUMNS - 0.5, 0.0), COLUMNS - 1.0)
    row = min(max(y * ROWS - 0.5, 0.0), ROWS - 1.0)
    left, top = int(column), int(row)
    right, bottom = min(left + 1, COLUMNS - 1), min(top + 1, ROWS - 1)
    across, down = column - left, row - top
    upper = (1 - across) * grid[:, top, left] + across * grid[:, top, right]
    lower = (1 - across) * grid[:, bottom, left] + across * grid[:, bottom, right]
    return (1 - down) * upper + down * lower


def test_the_people_reader_sees_hair_face_and_chest_of_each_person_and_nothing_else():
    torch.manual_seed(0)
    reader = PeopleReader(CHANNELS).double()
    grid = torch.randn(2, CHANNELS, ROWS, COLUMNS, dtype=torch.float64)
    boxes = torch.tensor(
        [
            [[0.1, 0.2, 0.3, 0.9, 0.4], [0.6, 0.1, 0.8, 1.3, 0.5], [0.0] * 5],  # feet below the frame
            [[-0.2, -0.1, 0.1, 0.8, 0.3], [0.0] * 5, [0.0] * 5],  # partly outside
        ],
        dtype=torch.float64,
    )
    answers = reader(grid, boxes)
    for frame in range(2):
        for person in range(3):
            left, top, right, bottom, chin = boxes[frame, person].tolist()
            heights = (top + 0.3 * (chin - top), top + 0.7 * (chin - top), chin + 0.3 * (bottom - chin))
            seen = torch.cat([at(grid[frame], (left + right) / 2, y) for y in heights])
            for head, answer in zip(reader.heads, answers, strict=True):
                torch.testing.assert_close(answer[3 * frame + person], head(reader.what(seen)))


def test_labels_of_people_name_each_person_in_turn():
    labels = torch.arange(2 * len(LABELS)).view(2, -1)
    names = list(LABELS)
    people = labels_of_people(labels)
    assert people.shape == (6, len(PERSON))
    for row in range(6):
        for column, name in enumerate(PERSON):
            assert people[row, column] == labels[row // 3, names.index(f"{row % 3 + 1}.{name}")]


def test_the_label_reader_weighs_tokens_by_a_query_of_its_own_for_each_label():
    torch.manual_seed(0)
    reader, tokens = LabelReader(CHANNELS, [3, 7]).double(), torch.randn(2, 9, CHANNELS, dtype=torch.float64)
    answers = reader(tokens)
    assert [answer.shape for answer in answers] == [(2, 3), (2, 7)]
    for frame in range(2):
        weights = reader.where(tokens[frame]).softmax(dim=0)  # (T, 2 labels x 2 glimpses)
        for label, head in enumerate(reader.heads):
            glimpses = [weights[:, 2 * label + g] @ reader.what(tokens[frame]) for g in range(2)]
            torch.testing.assert_close(answers[label][frame], head(torch.cat(glimpses)))


def test_the_loss_is_a_mean_over_labels_that_passes_over_what_is_absent():
    readings = [torch.randn(3, 4), torch.randn(3, 2), torch.randn(3, 5)]
    labels = torch.tensor([[1, ABSENT, ABSENT], [3, 0, ABSENT], [ABSENT, 1, ABSENT]])
    first = F.cross_entropy(readings[0][:2], torch.tensor([1, 3]))
    second = F.cross_entropy(readings[1][1:], torch.tensor([0, 1]))
    assert label_loss(readings, labels).item() == pytest.approx(((first + second) / 2).item())
