"""Prompt to audio: networks, sampler, pipeline. torch and transformers; no Qt, no sound card, no training."""
