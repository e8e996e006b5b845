"""Pushes to ingress as WeChat makes them."""
