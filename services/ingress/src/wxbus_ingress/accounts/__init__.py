"""The accounts that ingress takes callbacks for, ready to verify and decrypt."""
