"""Decoded pushes: XML and JSON to one shape, and back."""
