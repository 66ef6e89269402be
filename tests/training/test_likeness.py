"""The reader of looks learns people where they are, and judges each frame by the people it is asked about."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from moviedreamer_core.data.frame_labels import ABSENT, LABELS, PERSON
from moviedreamer_core.training.likeness import LookBatch, LooksReader, looks_loss, people_of, reader_losses

NAMES = list(LABELS)
HAIR = list(PERSON).index("hair_colour")


def labels_with(people: int) -> list[int]:
    row = [ABSENT] * len(NAMES)
    row[NAMES.index("people")] = people
    for person in range(1, people + 1):
        for number, name in enumerate(PERSON):
            row[NAMES.index(f"{person}.{name}")] = (person + number) % 2
    return row


def test_who_is_in_the_frame():
    labels = torch.tensor([labels_with(n) for n in range(4)])
    assert people_of(labels).tolist() == [[False] * 3, [True] + [False] * 2, [True] * 2 + [False], [True] * 3]


def test_a_frame_is_judged_by_the_mean_over_its_people_of_the_mean_over_their_labels():
    torch.manual_seed(0)
    labels = torch.tensor([labels_with(n) for n in (0, 1, 3)])
    labels[2, NAMES.index("2.hat")] = ABSENT
    logits = [torch.randn(9, len(values)) for values in PERSON.values()]
    judged = torch.tensor([[False] * 3, [True, False, False], [False, True, True]])
    expected = [0.0]
    for frame, people in ((1, (0,)), (2, (1, 2))):
        per_person = []
        for person in people:
            losses = []
            for name, answer in zip(PERSON, logits, strict=True):
                truth = labels[frame, NAMES.index(f"{person + 1}.{name}")]
                absent = truth == ABSENT
                row = answer[3 * frame + person]
                losses.append(0.0 if absent else F.cross_entropy(row[None], truth[None]).item())
            per_person.append(sum(losses) / len(PERSON))
        expected.append(sum(per_person) / len(people))
    assert looks_loss(logits, labels, judged).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_reader_learns_who_has_which_hair_by_where_they_are():
    torch.manual_seed(0)
    reader, latents = LooksReader(3), 0.1 * torch.randn(8, 3, 8, 12)
    labels = torch.full((8, len(NAMES)), ABSENT)
    labels[:, NAMES.index("people")] = 2
    boxes = torch.zeros(8, 3, 5)
    boxes[:, 0] = torch.tensor([0.1, 0.1, 0.4, 0.9, 0.5])
    boxes[:, 1] = torch.tensor([0.6, 0.1, 0.9, 0.9, 0.5])
    for frame in range(8):
        for person, columns in ((0, slice(1, 5)), (1, slice(7, 11))):
            value = frame % 3 if person == 0 else frame // 3
            latents[frame, value, :, columns] += 2.0  # both pictures of a value hold it at different places
            labels[frame, NAMES.index(f"{person + 1}.hair_colour")] = value
    optimizer = torch.optim.Adam(reader.parameters(), lr=3e-3)
    batch = LookBatch(latents, boxes, labels)
    for step in range(80):
        losses = reader_losses(reader, batch, step)
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    read = reader(latents, boxes)[HAIR].argmax(dim=1).view(8, 3)
    for person in (0, 1):
        truth = labels[:, NAMES.index(f"{person + 1}.hair_colour")]
        assert torch.equal(read[:, person], truth)
