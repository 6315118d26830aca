"""What an engine and a precision do to a model's numbers: its networks on inputs that are always the same."""

import numpy as np
import torch

from model.pipeline import Pipeline

TIMES = (1.0, 0.880797, 0.268941)  # early, middle and late in an eight-step schedule
DECODED_FRAMES = 24


@torch.inference_mode()
def probe(pipeline: Pipeline) -> dict[str, np.ndarray]:
    """Return the text tokens, the velocity at each of `TIMES` on the longest canvas, and a decoded second.

    Comparing whole sounds would compare decisions: where a small error tips a ping-pong step, it leads elsewhere.
    """
    engine, config = pipeline.engine, pipeline.config
    rng = torch.Generator().manual_seed(0)
    text_bld = pipeline.text_encoder.encode(["punchy analog kick drum"]).tokens_bld
    # Standard tokens, not the encoder's: what is compared is the transformer alone.
    tokens_bld = torch.randn(text_bld.shape, generator=rng)
    controls_bst = pipeline.controls("", pipeline.max_seconds, config.max_frames)
    prepared = engine.prepare(tokens_bld, torch.tensor([pipeline.max_seconds]), controls_bst)
    x_bct = torch.randn((1, config.dit.latent_channels, config.max_frames), generator=rng).to(engine.device)
    found = {"text": text_bld}
    for time in TIMES:
        found[f"velocity at {time:.2f}"] = engine.velocity(x_bct, time, prepared)
    latents_bct = x_bct[..., :DECODED_FRAMES]
    (found["decoded"],) = engine.decode(latents_bct, [DECODED_FRAMES], torch.Generator().manual_seed(0))
    return {name: tensor.float().cpu().numpy() for name, tensor in found.items()}
