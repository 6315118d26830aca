"""The desktop instrument. Only `synth` reaches `model`; see the README for who may import whom."""
