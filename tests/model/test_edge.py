"""Programs for a phone, run by ExecuTorch's runtime as an app would run them: from the manifest alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertModel

from model.config import SAO_SMALL_BASE, TINY, ModelConfig, OobleckConfig, SpectralConfig
from model.controls import control_signals
from model.dit import FeedForward
from model.edge import MANIFEST_FILE, attention, export, lower, main, run, snr_db
from model.generator import Generator
from model.oobleck import OobleckAutoencoder
from model.programs import Program, programs
from model.sampler import pingpong
from model.schedule import log_snr_times
from model.spectral import SpectralAutoencoder
from model.text import TransformerEncoder

pytestmark = pytest.mark.slow

# One block of each kind: lowering costs seconds a block, whatever its width.
SMALL = replace(
    TINY,
    dit=replace(TINY.dit, depth=1),
    autoencoder=SpectralConfig(widths=(24, 32), encoder_depths=(1, 1), decoder_depths=(1, 1), strides=(8,)),
)
FRAMES = 8
PROMPT = "dry snare drum"
NAMING = "A3, 120 BPM"  # what an app tells as control signals


class App:
    """What an app does with an exported folder."""

    def __init__(self, folder: Path):
        from executorch.runtime import Runtime

        self.manifest = json.loads((folder / MANIFEST_FILE).read_text())
        self.tokenizer = Tokenizer.from_file(str(folder / self.manifest["tokenizer"]["file"]))
        files = {name: folder / entry["file"] for name, entry in self.manifest["programs"].items()}
        self.loaded = {name: Runtime.get().load_program(path) for name, path in files.items()}
        self.methods = {name: program.load_method("forward") for name, program in self.loaded.items()}

    def call(self, name: str, *inputs: Tensor) -> list[Tensor]:
        return [output.clone() for output in self.methods[name].execute(inputs)]

    def tokens(self, prompt: str) -> Tensor:
        encoding = self.tokenizer.encode(prompt)
        return self.call("text", torch.tensor([encoding.ids]), torch.tensor([encoding.attention_mask]))[0]

    def generate(self, prompt: str, seconds: float, controls_bst: Tensor, steps: int, seed: int) -> Tensor:
        """The samples (1, 2, n) of the whole canvas."""
        rng = torch.Generator().manual_seed(seed)
        condition = self.call("condition", self.tokens(prompt), torch.tensor([seconds]), controls_bst)
        latents = torch.randn(self.shape("step", "latents"), generator=rng)
        levels = self.manifest["noise_levels"][str(steps)]
        for level, following in pairwise(levels):
            (velocity,) = self.call("step", latents, torch.tensor([level]), *condition)
            noise = torch.randn(latents.shape, generator=rng)
            latents = (1 - following) * (latents - level * velocity) + following * noise
        b, c, t, k = self.shape("decode", "noise")
        noise = torch.randn((t, b, c, k), generator=rng).permute(1, 2, 0, 3).contiguous()
        return self.call("decode", latents.contiguous(), noise)[0]

    def shape(self, program: str, name: str) -> list[int]:
        return self.manifest["programs"][program]["inputs"][name]["shape"]


def filled(module: nn.Module) -> nn.Module:
    """The module with every parameter drawn: branches that start at zero would hide what they compute."""
    rng = torch.Generator().manual_seed(1)
    for parameter in module.parameters():
        std = parameter.shape[-1] ** -0.5 if parameter.dim() > 1 else 0.3
        nn.init.normal_(parameter, std=std, generator=rng)
    return module.eval().requires_grad_(False)


def parts(config: ModelConfig) -> tuple[Generator, SpectralAutoencoder]:
    return filled(Generator(config)), filled(SpectralAutoencoder.of(config))


def named(
    name: str, config: ModelConfig, autoencoder: SpectralAutoencoder | OobleckAutoencoder, frames: int
) -> Program:
    found = programs(config, filled(Generator(config)), autoencoder, None, frames)
    return next(program for program in found if program.name == name)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TransformerEncoder:
    path = tmp_path_factory.mktemp("text") / "tokenizer.json"
    tokenizer = Tokenizer(WordLevel({"[PAD]": 0, "dry": 1, "snare": 2, "drum": 3, "[UNK]": 4}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))
    sizes = BertConfig(vocab_size=8, hidden_size=384, num_hidden_layers=1, num_attention_heads=4, intermediate_size=128)
    return TransformerEncoder(filled(BertModel(sizes, add_pooling_layer=False)), path, TINY.text.max_tokens)


@pytest.fixture(scope="module")
def folder(encoder: TransformerEncoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("phone")
    export(out, SMALL, *parts(SMALL), encoder, FRAMES)
    return out


@pytest.fixture(scope="module")
def app(folder: Path) -> Iterator[App]:
    return App(folder)


def test_the_text_of_a_padded_prompt_is_the_encoders(app: App, encoder: TransformerEncoder) -> None:
    """The exported network sees padding and a mask, the encoder no padding at all."""
    assert snr_db(app.tokens(PROMPT), encoder.encode([PROMPT]).tokens_bld) > 80


@torch.inference_mode()
def test_a_whole_sound_of_eight_steps_is_torchs(app: App, encoder: TransformerEncoder) -> None:
    generator, autoencoder = parts(SMALL)
    text = encoder.encode([PROMPT])
    controls_bst = torch.from_numpy(control_signals(SMALL, FRAMES, 0.3, NAMING))[None]
    prepared = generator.dit.prepare(generator.condition(text.tokens_bld, torch.tensor([0.3]), controls_bst))
    rng = torch.Generator().manual_seed(7)
    noise = torch.randn((1, 64, FRAMES), generator=rng)
    *_, last = pingpong(lambda x, t: generator.dit.velocity(x, t, prepared), noise, log_snr_times(8), rng)
    expected = autoencoder.decode(last.latent_bct, rng)
    assert snr_db(app.generate(PROMPT, 0.3, controls_bst, 8, 7), expected) > 60


def test_the_manifest_tells_the_shapes_that_the_runtime_finds_in_the_files(app: App) -> None:
    for name, entry in app.manifest["programs"].items():
        meta = app.loaded[name].metadata("forward")
        shapes = [list(meta.input_tensor_meta(i).sizes()) for i in range(meta.num_inputs())]
        assert shapes == [value["shape"] for value in entry["inputs"].values()]
        shapes = [list(meta.output_tensor_meta(i).sizes()) for i in range(meta.num_outputs())]
        assert shapes == [value["shape"] for value in entry["outputs"].values()]


def test_every_product_of_matrices_runs_in_xnnpack(folder: Path) -> None:
    """What is left to portable kernels are names of operators in the file, and none of them multiplies matrices."""
    for program in ("condition", "step", "decode"):
        content = (folder / f"{program}.pte").read_bytes()
        assert b"XnnpackBackend" in content
        assert not [name for name in (b"aten::mm", b"aten::bmm", b"aten::addmm", b"aten::linear") if name in content]


def test_wide_layers_in_int8_are_near_torch_at_under_a_third_of_their_size(tmp_path: Path) -> None:
    """On a feed-forward layer alone, since lowering a whole step costs ten seconds; the export checks that itself."""
    layer = filled(FeedForward(256, 512))
    x = torch.randn((1, 9, 256), generator=torch.Generator().manual_seed(3))
    path = tmp_path / "int8.pte"
    path.write_bytes(lower(Program("feed_forward", layer, {"x": x}, ("y",), linear_int8=True), int8=True).binary)
    assert 25 < snr_db(run(path, (x,))[0], layer(x)) < 60
    assert path.stat().st_size < sum(parameter.nbytes for parameter in layer.parameters()) / 3


@torch.inference_mode()
def test_oobleck_decoded_in_windows_by_the_manifests_rule_is_one_decode(tmp_path: Path) -> None:
    sizes = OobleckConfig(channels=4, multiples=(1,), strides=(4,))
    autoencoder = filled(OobleckAutoencoder(sizes))
    config = replace(SMALL, autoencoder=sizes, max_frames=96)
    decode = named("decode", config, autoencoder, 96)
    path = tmp_path / "decode.pte"
    path.write_bytes(lower(decode).binary)
    window, context, hop = decode.inputs["latents"].shape[-1], autoencoder.context_frames, sizes.frame_samples
    assert window < 96
    latents = torch.randn((1, 64, 96), generator=torch.Generator().manual_seed(2))
    sound, done = [], 0
    while done < 96:
        first = min(max(done - context, 0), 96 - window)
        end = 96 if first + window == 96 else first + window - context
        samples = run(path, (latents[..., first : first + window].contiguous(),))[0]
        sound.append(samples[..., (done - first) * hop : (end - first) * hop])
        done = end
    assert snr_db(torch.cat(sound, -1), autoencoder.decode(latents)) > 80


@pytest.mark.parametrize("mask", [None, "numbers", "booleans"])
def test_attention_is_torchs_with_any_mask_and_with_fewer_key_heads(mask: str | None) -> None:
    rng = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn((1, heads, n, 16), generator=rng) for heads, n in ((4, 7), (2, 5), (2, 5)))
    attends = torch.rand((1, 1, 7, 5), generator=rng) > 0.3
    attends[..., 0] = True
    bias = {None: None, "numbers": torch.where(attends, 0.5, -1e9), "booleans": attends}[mask]
    expected = nn.functional.scaled_dot_product_attention(q, k, v, bias, enable_gqa=True)
    torch.testing.assert_close(attention(q, k, v, bias, enable_gqa=True), expected)


def test_a_model_that_is_not_sampled_by_ping_pong_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only models of ping-pong are exported"):
        export(tmp_path, SAO_SMALL_BASE, *parts(TINY), None, FRAMES)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seconds", "99"], "seconds=99: arc-mini makes up to 5.94 s"),
        (["--seconds", "0"], "seconds=0: arc-mini makes up to 5.94 s"),
        (["--weights", "nowhere"], "there is no such weights file"),
    ],
)
def test_the_command_refuses_with_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["--out", str(tmp_path / "out"), *arguments])
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
