"""Which worker consumes which partition."""
