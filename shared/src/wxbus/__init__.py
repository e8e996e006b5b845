"""The library that the wxbus services share, and that programs which call them import."""
