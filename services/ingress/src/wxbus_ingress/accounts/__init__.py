"""The accounts whose callbacks ingress receives, ready to verify and decrypt."""
