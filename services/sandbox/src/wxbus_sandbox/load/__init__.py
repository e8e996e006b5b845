"""Load: many users write at a rate, and the promises are checked on what they receive."""
