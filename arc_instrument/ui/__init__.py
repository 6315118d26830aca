"""Widgets: each renders a state and emits intentions."""
