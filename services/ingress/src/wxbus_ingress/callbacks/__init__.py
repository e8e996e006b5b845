"""A callback from its request to the envelope that is published."""
