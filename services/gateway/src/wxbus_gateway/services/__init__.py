"""The business's own services."""
