"""Pushes to ingress as WeChat sends them."""
