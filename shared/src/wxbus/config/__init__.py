"""Settings and files that people write."""
