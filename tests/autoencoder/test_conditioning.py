import dataclasses
import re

import pytest
import torch
from scipy.stats import binomtest

from moviedreamer_core.autoencoder.conditioning import Conditioning, joined
from moviedreamer_core.config import paper
from moviedreamer_core.encoders.encoded import EncodedKeyframe


@pytest.fixture
def conditioning(tiny_config) -> Conditioning:
    torch.manual_seed(0)
    return Conditioning(tiny_config)


def keyframe(num_sentences: int, face_given: list[bool]) -> EncodedKeyframe:
    given = torch.tensor(face_given, dtype=torch.bool)
    return EncodedKeyframe(
        elements=(),
        sentences=torch.randn(num_sentences, 10),
        faces=torch.randn(len(face_given), 6) * given[:, None],
        face_given=given,
    )


def full_batch(size: int) -> tuple[torch.Tensor, ...]:
    """visual, descriptions, description_given, faces, face_given, with nothing left out."""
    descriptions, faces = torch.randn(size, 15, 10), torch.randn(size, 5, 6)
    every_description, every_face = (
        torch.ones(part.shape[:2], dtype=torch.bool) for part in (descriptions, faces)
    )
    return torch.randn(size, 2, 16), descriptions, every_description, faces, every_face


def is_zero(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor == 0).all(-1)


def test_slots_are_visual_tokens_then_descriptions_then_faces(conditioning):
    visual, frame = torch.randn(1, 2, 16), keyframe(3, [True, True])
    slots = conditioning.pack(visual, [frame]).slots[0]
    assert slots.shape == (22, 16)
    assert torch.equal(slots[:2], visual[0])
    torch.testing.assert_close(slots[2:5], conditioning.text_mlp(frame.sentences))
    torch.testing.assert_close(slots[17:19], conditioning.face_mlp(frame.faces))


def test_unused_slots_are_zero_and_used_ones_are_not(conditioning):
    slots = conditioning.pack(torch.randn(2, 2, 16), [keyframe(3, [True]), keyframe(0, [])]).slots
    assert is_zero(slots[0]).tolist() == [False] * 5 + [True] * 12 + [False] + [True] * 4
    assert is_zero(slots[1]).tolist() == [False] * 2 + [True] * 20


def test_a_face_stays_at_its_characters_index_when_an_earlier_character_has_none(conditioning):
    frame = keyframe(1, [False, True, False, True])
    slots = conditioning.pack(torch.randn(1, 2, 16), [frame]).slots[0, 17:]
    assert is_zero(slots).tolist() == [True, False, True, False, True]
    torch.testing.assert_close(slots[3], conditioning.face_mlp(frame.faces[3]))


def test_only_the_first_fifteen_sentences_and_five_faces_are_taken(conditioning):
    frame = keyframe(40, [True] * 9)
    first = EncodedKeyframe((), frame.sentences[:15], frame.faces[:5], frame.face_given[:5])
    visual = torch.randn(1, 2, 16)
    slots = conditioning.pack(visual, [frame]).slots
    assert torch.equal(slots, conditioning.pack(visual, [first]).slots)
    assert not is_zero(slots).any()


def test_the_pooled_vector_is_linear_in_the_two_tokens_side_by_side(conditioning):
    visual = torch.randn(3, 2, 16)
    pooled = conditioning.pack(visual, [keyframe(1, [])] * 3).pooled
    linear = conditioning.pooled_linear
    expected = torch.cat([visual[:, 0], visual[:, 1]], dim=-1) @ linear.weight.T + linear.bias
    torch.testing.assert_close(pooled, expected)


def test_time_ids_are_original_size_crop_and_target_size_height_first(conditioning):
    visual, frames = torch.randn(1, 2, 16), [keyframe(1, [])]
    assert conditioning.pack(visual, frames).time_ids.tolist() == [[16, 24, 0, 0, 16, 24]]
    conditions = conditioning.pack(visual, frames, size=(512, 893))
    assert conditions.time_ids.tolist() == [[512, 893, 0, 0, 512, 893]]
    assert conditions.resized((32, 48)).time_ids.tolist() == [[32, 48, 0, 0, 32, 48]]


def test_time_ids_are_exact_in_half_precision(tiny_config):
    half = Conditioning(tiny_config).bfloat16()
    conditions = half.pack(torch.randn(1, 2, 16).bfloat16(), [keyframe(1, [])], size=(512, 893))
    assert conditions.slots.dtype == torch.bfloat16
    assert conditions.time_ids[0, 1].item() == 893


def test_each_slot_is_masked_with_the_configured_probability_independently(conditioning):
    generator = torch.Generator().manual_seed(3)
    conditions = conditioning(*full_batch(2000), slot_mask=True, generator=generator)
    masked = is_zero(conditions.slots)
    for slot in range(22):
        assert binomtest(int(masked[:, slot].sum()), 2000, 0.2).pvalue > 1e-4
    assert binomtest(int(masked.sum()), masked.numel(), 0.2).pvalue > 1e-3
    correlation = torch.corrcoef(masked.T.float()) - torch.eye(22)
    assert correlation.abs().max() < 5 / 2000**0.5
    assert not is_zero(conditions.pooled).any()


def test_the_mask_repeats_with_its_generator_and_is_off_unless_asked_for(conditioning):
    batch = full_batch(8)

    def masked(seed: int) -> torch.Tensor:
        return conditioning(*batch, slot_mask=True, generator=torch.Generator().manual_seed(seed)).slots

    assert torch.equal(masked(1), masked(1))
    assert not torch.equal(masked(1), masked(2))
    assert not is_zero(conditioning(*batch).slots).any()


def test_masking_never_fills_an_unused_slot(conditioning):
    visual, descriptions, _, faces, _ = full_batch(50)
    nothing = torch.zeros(50, 15, dtype=torch.bool), torch.zeros(50, 5, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    slots = conditioning(
        visual, descriptions, nothing[0], faces, nothing[1], slot_mask=True, generator=generator
    ).slots
    assert is_zero(slots[:, 2:]).all()


def test_a_dropped_keyframe_is_exactly_the_unconditional_branch_and_the_others_are_untouched(conditioning):
    batch = full_batch(3)
    plain, dropped = conditioning(*batch), conditioning(*batch, drop=torch.tensor([False, True, False]))
    unconditional = plain.unconditional()
    assert torch.equal(dropped.slots[1], unconditional.slots[1])
    assert torch.equal(dropped.pooled[1], unconditional.pooled[1])
    assert is_zero(unconditional.slots).all()
    assert is_zero(unconditional.pooled).all()
    assert torch.equal(unconditional.time_ids, plain.time_ids)
    for row in (0, 2):
        assert torch.equal(dropped.slots[row], plain.slots[row])
        assert torch.equal(dropped.pooled[row], plain.pooled[row])


@pytest.mark.parametrize("use", [{"visual"}, {"descriptions"}, {"faces"}, {"visual", "faces"}, set()])
def test_kinds_left_out_are_zero_with_the_pooled_vector_following_the_visual_tokens(conditioning, use):
    conditions = conditioning(*full_batch(2), use=use)
    kinds = {"visual": slice(0, 2), "descriptions": slice(2, 17), "faces": slice(17, 22)}
    for kind, where in kinds.items():
        assert is_zero(conditions.slots[:, where]).all() == (kind not in use)
        assert is_zero(conditions.slots[:, where]).any() == (kind not in use)
    assert is_zero(conditions.pooled).all() == ("visual" not in use)


def test_a_keyframe_without_visual_tokens_is_as_if_they_were_not_used_and_the_others_are_untouched(
    conditioning,
):
    batch = full_batch(3)
    plain, without = conditioning(*batch), conditioning(*batch, use={"descriptions", "faces"})
    mixed = conditioning(*batch, no_visual=torch.tensor([False, True, False]))
    for row, expected in enumerate([plain, without, plain]):
        assert torch.equal(mixed.slots[row], expected.slots[row])
        assert torch.equal(mixed.pooled[row], expected.pooled[row])


def test_masked_slots_carry_no_gradient_and_the_others_do(conditioning):
    visual, *script = full_batch(1)
    conditioning(visual, *script, use={"faces"}).slots.square().sum().backward()
    assert all(parameter.grad.abs().sum() == 0 for parameter in conditioning.text_mlp.parameters())
    assert all(parameter.grad.abs().sum() > 0 for parameter in conditioning.face_mlp.parameters())


def test_packing_equals_the_tensor_form_of_training(conditioning):
    frames, visual = [keyframe(2, [True]), keyframe(5, [False, True])], torch.randn(2, 2, 16)
    packed, tensors = conditioning.pack(visual, frames), conditioning.script_slots(frames)
    torch.testing.assert_close(conditioning(visual, *tensors).slots, packed.slots)
    assert tensors.description_given.sum(1).tolist() == [2, 5]
    assert tensors.face_given.int().tolist() == [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0]]


def test_joining_keeps_the_order(conditioning):
    first, second = conditioning(*full_batch(1)), conditioning(*full_batch(2))
    both = joined([first, second])
    assert len(both) == 3
    assert torch.equal(both.slots[:1], first.slots)
    assert torch.equal(both.pooled[1:], second.pooled)


def test_the_paper_size_gives_22_slots_of_2048_and_1280_pooled():
    with torch.device("meta"):
        config = paper().renderer
        sizes = config.text_channels, config.face_channels
        batch = torch.empty(1, 2, 2048), torch.empty(1, 15, sizes[0]), torch.empty(1, 15, dtype=torch.bool)
        conditions = Conditioning(config)(
            *batch, torch.empty(1, 5, sizes[1]), torch.empty(1, 5, dtype=torch.bool)
        )
    assert conditions.slots.shape == (1, 22, 2048)
    assert conditions.pooled.shape == (1, 1280)


def test_a_mask_without_generator_is_refused(conditioning):
    with pytest.raises(ValueError, match="slot_mask needs a generator"):
        conditioning(*full_batch(1), slot_mask=True)


def test_an_unknown_kind_is_refused(conditioning):
    message = "use must be among ['descriptions', 'faces', 'visual'], got ['text']; correct the names"
    with pytest.raises(ValueError, match=re.escape(message)):
        conditioning(*full_batch(1), use={"text"})


def test_another_number_of_keyframes_than_visual_tokens_is_refused(conditioning):
    with pytest.raises(ValueError, match="2 rows of visual tokens for 1 keyframes; give each one row"):
        conditioning.pack(torch.randn(2, 2, 16), [keyframe(1, [])])


def test_conditions_cannot_be_changed(conditioning):
    with pytest.raises(dataclasses.FrozenInstanceError):
        conditioning(*full_batch(1)).pooled = torch.zeros(1, 12)
