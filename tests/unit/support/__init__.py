"""Tests of what tests rely on."""
