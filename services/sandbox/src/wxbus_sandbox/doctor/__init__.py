"""Checks a callback address from outside, whatever serves it (protocol reference 1 to 4, 13)."""
