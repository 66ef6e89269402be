"""The positions that the language model reads, against layouts written out by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from moviedreamer_core.autoregressive.sequence import (
    PositionKind,
    collate,
    identifier_ids,
    join,
    miniature_tokenizer,
    reference_inputs,
    script_inputs,
    training_inputs,
    visual_inputs,
)
from moviedreamer_core.errors import WeightsError

P, I, X, S, F, V = PositionKind  # padding, identifier, special, sentence, face, visual


def test_the_miniature_tokenizer_knows_just_the_words_of_the_identifiers() -> None:
    tokenizer = miniature_tokenizer()
    assert len(tokenizer) <= 64
    assert set(tokenizer.get_vocab()) == {"<unk>", "Characters:", "Scene", "Elements:", "Plots:", "-"}


def test_the_miniature_tokenizer_survives_saving(tmp_path) -> None:
    miniature_tokenizer().save_pretrained(tmp_path)
    assert identifier_ids(AutoTokenizer.from_pretrained(tmp_path)) == identifier_ids(miniature_tokenizer())


def test_identifiers_may_take_several_positions(make_keyframes) -> None:
    vocabulary = {
        word: i for i, word in enumerate(["?", "Characters", "Scene", "Elements", "Plots", "-", ":"])
    }
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    identifiers = identifier_ids(PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="?"))
    assert identifiers == {"Characters:": (1, 6), "Scene Elements:": (2, 3, 6), "Plots:": (4, 6), "-": (5,)}
    script = script_inputs(make_keyframes(3)[2], identifiers)  # Flat cartoon. The sea is calm.
    assert script.kinds.tolist() == [X, I, I, I, I, I, I, S, I, I, I, S, X]
    assert script.ids.tolist() == [0, 1, 6, 2, 3, 6, 5, 0, 4, 6, 5, 0, 1]


def test_start_tokens_that_a_tokenizer_adds_are_left_out() -> None:
    tokenizer = miniature_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<unk> $A", special_tokens=[("<unk>", 0)]
    )
    assert tokenizer.encode("-") == [0, 5]
    assert identifier_ids(tokenizer)["-"] == (5,)


def test_a_tokenizer_without_the_identifiers_is_refused() -> None:
    tokenizer = Tokenizer(models.WordLevel({"<unk>": 0, "Characters:": 1}, unk_token="<unk>"))
    strange = PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")
    with pytest.raises(
        WeightsError, match=r'the identifier "Scene Elements:" is not in its vocabulary \(ids \[0\]\)'
    ):
        identifier_ids(strange)


def test_a_script_is_laid_out_as_in_figure_4(make_keyframes, identifiers) -> None:
    script = script_inputs(make_keyframes(1)[0], identifiers)
    # [START] Characters: - <face> <2 sentences> Scene Elements: - <style> - <beach> Plots: - <plot> [END]
    assert script.kinds.tolist() == [X, I, I, F, S, S, I, I, I, S, I, S, I, I, S, X]
    assert script.ids.tolist() == [0, 1, 5, 0, 0, 0, 2, 3, 5, 0, 5, 0, 4, 5, 0, 1]


def test_rows_follow_the_positions_and_skip_characters_without_a_face(make_keyframes, identifiers) -> None:
    keyframe = make_keyframes(2)[1]  # Tom, who has no picture, and Mara
    script = script_inputs(keyframe, identifiers)
    assert torch.equal(script.rows[S], keyframe.sentences)
    assert torch.equal(script.rows[F], keyframe.faces[1:])
    assert (script.kinds == S).sum() == len(keyframe.sentences)


def test_a_script_without_faces_has_no_face_rows(make_keyframes, identifiers) -> None:
    assert set(script_inputs(make_keyframes(3)[2], identifiers).rows) == {S}


def test_references_stand_between_frame_marks(make_tokens) -> None:
    references = make_tokens(2)
    inputs = reference_inputs(references)
    assert inputs.kinds.tolist() == [X, V, V, X, X, V, V, X]
    assert inputs.ids.tolist() == [0, 0, 0, 1, 0, 0, 0, 1]
    assert torch.equal(inputs.rows[V], references.reshape(4, -1))


def test_joining_keeps_positions_and_rows_in_order(make_keyframes, make_tokens, identifiers) -> None:
    first, second = (script_inputs(keyframe, identifiers) for keyframe in make_keyframes(2))
    tokens = make_tokens(1)[0]
    joined = join([first, visual_inputs(tokens), second])
    assert joined.kinds.tolist() == [*first.kinds.tolist(), V, V, *second.kinds.tolist()]
    assert torch.equal(joined.rows[S], torch.cat([first.rows[S], second.rows[S]]))
    assert torch.equal(joined.rows[V], tokens)


def test_each_keyframe_predicts_at_its_end_mark_and_at_its_first_token(
    make_keyframes, make_tokens, identifiers
) -> None:
    tokens = make_tokens(2)
    lesson = training_inputs(make_keyframes(2), tokens, identifiers, references=make_tokens(1, seed=1))
    at = lesson.predicting.nonzero().flatten().tolist()
    kinds, ids = lesson.inputs.kinds.tolist(), lesson.inputs.ids.tolist()
    assert [kinds[i] for i in at] == [X, V, X, V]
    assert [ids[i] for i in at] == [1, 0, 1, 0]
    assert all(i > 3 for i in at), "a reference predicts nothing"
    assert torch.equal(lesson.targets, tokens.reshape(4, -1))
    visual_rows_before = [kinds[:i].count(V) for i in at]  # where the target itself enters, later
    assert torch.equal(lesson.inputs.rows[V][visual_rows_before[::2]], lesson.targets[::2])


def test_collating_pads_the_end_of_the_shorter_episode(make_keyframes, make_tokens, identifiers) -> None:
    short = training_inputs(make_keyframes(1), make_tokens(1), identifiers)
    long = training_inputs(make_keyframes(3, seed=1), make_tokens(3, seed=1), identifiers)
    batch = collate([short, long])
    length = len(short.inputs)
    assert batch.inputs.kinds.shape == (2, len(long.inputs))
    assert batch.inputs.kinds[0].tolist() == short.inputs.kinds.tolist() + [P] * (len(long.inputs) - length)
    assert not batch.predicting[0, length:].any()
    assert torch.equal(batch.inputs.kinds[1], long.inputs.kinds)
    assert torch.equal(batch.targets, torch.cat([short.targets, long.targets]))
    for kind in (S, F, V):
        assert torch.equal(
            batch.inputs.rows[kind], torch.cat([short.inputs.rows[kind], long.inputs.rows[kind]])
        )


def test_moving_to_a_device_moves_everything(make_keyframes, make_tokens, identifiers) -> None:
    moved = collate([training_inputs(make_keyframes(1), make_tokens(1), identifiers)]).to("meta")
    tensors = [
        moved.predicting,
        moved.targets,
        moved.inputs.kinds,
        moved.inputs.ids,
        *moved.inputs.rows.values(),
    ]
    assert all(tensor.is_meta for tensor in tensors)


def test_rows_that_do_not_fit_the_layout_are_refused(make_keyframes, identifiers) -> None:
    keyframe = make_keyframes(1)[0]
    with pytest.raises(ValueError, match="the layout has 5 SENTENCE positions for 4 encoded rows"):
        script_inputs(replace(keyframe, sentences=keyframe.sentences[1:]), identifiers)
    with pytest.raises(ValueError, match="the layout has 1 FACE positions for 0 encoded rows"):
        script_inputs(replace(keyframe, face_given=torch.tensor([False])), identifiers)


def test_a_script_without_its_end_is_refused(make_keyframes, identifiers) -> None:
    keyframe = make_keyframes(1)[0]
    with pytest.raises(ValueError, match=r"ends with \[END_OF_FRAME\], found \"Mara walks.\""):
        script_inputs(replace(keyframe, elements=keyframe.elements[:-3]), identifiers)
    with pytest.raises(ValueError, match=r"ends with \[END_OF_FRAME\], found nothing"):
        script_inputs(replace(keyframe, elements=()), identifiers)


@pytest.mark.parametrize("number", [0, 11])
def test_no_or_too_many_references_are_refused(make_tokens, number: int) -> None:
    with pytest.raises(ValueError, match=f"takes 1 to 10 references, got {number}"):
        reference_inputs(make_tokens(number))


@pytest.mark.parametrize(("num_keyframes", "num_tokens"), [(0, 0), (2, 3)])
def test_keyframes_without_their_tokens_are_refused(
    make_keyframes, make_tokens, identifiers, num_keyframes: int, num_tokens: int
) -> None:
    with pytest.raises(ValueError, match=f"got {num_keyframes} keyframes and the tokens of {num_tokens}"):
        training_inputs(make_keyframes(num_keyframes), make_tokens(num_tokens), identifiers)


def test_an_empty_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch needs at least one episode, got none"):
        collate([])
