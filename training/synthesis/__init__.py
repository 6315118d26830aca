"""Labelled sound made by synthesis: what `training.render` writes into shards."""
