"""The text encoder against open_clip's tower, its fast path against full padding, its cache against none."""

import copy

import open_clip
import pytest
import torch
from torch.nn import functional as F

from moviedreamer_core.config import TextEncoderConfig, paper
from moviedreamer_core.encoders import text as text_module
from moviedreamer_core.encoders.text import TextEncoder
from moviedreamer_core.encoders.tokenizer import BytePairTokenizer, WordTokenizer

SIZES = {"width": 64, "layers": 2, "heads": 1, "embed_dim": 24}
SENTENCES = [
    "Person walks on the beach.",
    "Red coat.",
    "The lighthouse keeper's cat sleeps on the red boat at night.",
]


def tiny(**changes):
    torch.manual_seed(0)
    config = TextEncoderConfig(**{**SIZES, "vocab_size": 64, "person_tokens": True, **changes})
    tokenizer = WordTokenizer.from_words(
        ["walks", "waves", "on", "the", "beach", "red", "coat", "lighthouse", "cat", "boat", "at", "'s"]
    )
    return TextEncoder(config, tokenizer).eval()


@pytest.fixture
def encoder():
    return tiny()


@pytest.mark.parametrize("quick_gelu", [True, False])
def test_embeddings_are_those_of_open_clips_model(quick_gelu):
    torch.manual_seed(0)
    clip = open_clip.CLIP(
        24,
        {"layers": 1, "width": 64, "image_size": 16, "patch_size": 8},
        {"context_length": 248, "width": 64, "heads": 1, "layers": 2},
        quick_gelu=quick_gelu,
    ).eval()
    encoder = TextEncoder(TextEncoderConfig(**SIZES, quick_gelu=quick_gelu), BytePairTokenizer()).eval()
    theirs = {
        key: value for key, value in clip.state_dict().items() if not key.startswith(("visual", "logit"))
    }
    encoder.tower.load_state_dict(theirs)
    ids = open_clip.tokenize(SENTENCES, context_length=248)
    with torch.no_grad():
        expected = F.normalize(clip.encode_text(ids), dim=-1)
        torch.testing.assert_close(encoder(ids), expected)
        torch.testing.assert_close(encoder(encoder.tokenise(SENTENCES)), expected)
    torch.testing.assert_close(encoder.encode(SENTENCES), expected)


def test_padding_to_the_full_context_changes_nothing(encoder):
    short = encoder.tokenise(SENTENCES)
    full = F.pad(short, (0, 248 - short.shape[1]))
    torch.testing.assert_close(encoder(short), encoder(full), atol=1e-6, rtol=0)


def test_embeddings_have_unit_length(encoder):
    torch.testing.assert_close(encoder.encode(SENTENCES).norm(dim=-1), torch.ones(3))


def test_what_follows_the_end_marker_has_no_influence(encoder):
    ids = encoder.tokenise(["red coat", "the red coat on the beach"])
    changed = ids.clone()
    changed[0, 4:] = 7
    torch.testing.assert_close(encoder(changed), encoder(ids))


def test_a_row_without_end_marker_is_refused(encoder):
    with pytest.raises(ValueError, match=r"no end marker \(id 2\)"):
        encoder(torch.tensor([[1, 5, 2], [1, 5, 5]]))


def test_a_row_longer_than_the_context_is_refused():
    encoder = tiny(context_length=4)
    with pytest.raises(ValueError, match="a sentence has 6 ids, the context is 4"):
        encoder(torch.tensor([[1, 5, 5, 5, 5, 2]]))


def test_an_empty_list_of_sentences_has_an_empty_embedding(encoder):
    assert encoder.encode([]).shape == (0, 24)


def test_names_are_read_as_persons_in_the_order_given(encoder):
    same = encoder.encode(["Mara waves at Old Tom.", "Zoe waves at Ben."], ["Mara", "Old Tom"])
    other = encoder.encode(["Zoe waves at Ben."], ["Zoe", "Ben"])
    swapped = encoder.encode(["Mara waves at Tom."], ["Tom", "Mara"])
    torch.testing.assert_close(same[0], other[0], atol=0, rtol=0)
    assert not torch.allclose(same[0], swapped[0])


def test_names_stay_as_they_are_without_person_tokens():
    encoder = tiny(person_tokens=False)
    assert encoder.unknown_words("Mara waves", ["Mara"]) == ("mara",)


def test_unknown_words_do_not_include_the_cast(encoder):
    assert encoder.unknown_words("Mara's xylophone waves at Tom", ["Mara"]) == ("xylophone", "tom")


def test_an_embedding_is_bitwise_the_same_alone_in_company_and_from_the_cache(encoder):
    alone = torch.cat([tiny().encode([sentence]) for sentence in SENTENCES])
    together = encoder.encode(SENTENCES)
    cached = encoder.encode(SENTENCES[::-1]).flip(0)
    assert torch.equal(alone, together)
    assert torch.equal(together, cached)


def test_a_known_sentence_is_not_encoded_again(encoder, monkeypatch):
    encoder.encode(SENTENCES)
    monkeypatch.setattr(encoder, "forward", lambda ids: pytest.fail("the tower ran"))
    assert encoder.encode([*SENTENCES, SENTENCES[0]]).shape == (4, 24)


def test_changing_what_encode_returned_does_not_change_the_cache(encoder):
    first = encoder.encode(SENTENCES)
    kept = first.clone()
    first.zero_()
    assert torch.equal(encoder.encode(SENTENCES), kept)


@torch.no_grad()
def _in_place(encoder):
    encoder.tower.ln_final.weight.mul_(-1)


@pytest.mark.parametrize(
    "change",
    [
        _in_place,
        lambda encoder: encoder.load_state_dict(tiny(quick_gelu=False).state_dict() | _noise(encoder)),
        lambda encoder: encoder.double(),
    ],
    ids=["optimiser step", "load_state_dict", "precision"],
)
def test_the_cache_forgets_when_the_weights_change(encoder, change):
    encoder.encode(SENTENCES)
    change(encoder)
    fresh = copy.deepcopy(encoder).train().eval()
    assert torch.equal(encoder.encode(SENTENCES), fresh.encode(SENTENCES))


def _noise(encoder):
    generator = torch.Generator().manual_seed(1)
    return {k: torch.randn(v.shape, generator=generator) for k, v in encoder.state_dict().items()}


def test_the_cache_drops_the_least_recent_sentence(encoder, monkeypatch):
    monkeypatch.setattr(text_module, "MAX_CACHED_SENTENCES", 2)
    encoder.encode(["red", "coat"])
    encoder.encode(["red", "boat"])  # "coat" is now the least recent
    ran = []
    plain = encoder.forward
    monkeypatch.setattr(encoder, "forward", lambda ids: ran.append(ids) or plain(ids))
    encoder.encode(["red", "boat"])
    assert not ran
    encoder.encode(["coat"])
    assert len(ran) == 1


def test_encode_leaves_no_graph_and_forward_does(encoder):
    assert not encoder.encode(SENTENCES).requires_grad
    encoder(encoder.tokenise(SENTENCES)).sum().backward()
    assert encoder.tower.token_embedding.weight.grad.abs().sum() > 0


def test_a_vocabulary_larger_than_the_tower_is_refused():
    with pytest.raises(ValueError, match="the vocabulary has 21 entries, the text tower 8"):
        tiny(vocab_size=8)


def test_the_papers_tower_has_248_positions_and_longclips_size():
    with torch.device("meta"):
        encoder = TextEncoder(paper().text, BytePairTokenizer())
        reference = open_clip.CLIP(
            768,
            {"layers": 1, "width": 64, "image_size": 16, "patch_size": 8},
            {"context_length": 248, "width": 768, "heads": 12, "layers": 12},
        )
    assert encoder.tower.positional_embedding.shape == (248, 768)
    image_and_scale = sum(p.numel() for p in reference.visual.parameters()) + 1
    assert sum(p.numel() for p in encoder.parameters()) == (
        sum(p.numel() for p in reference.parameters()) - image_and_scale
    )
