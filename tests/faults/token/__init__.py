"""The token service on real processes that are killed and frozen."""
