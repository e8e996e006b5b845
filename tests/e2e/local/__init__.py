"""The commands that a person types, run as they are typed."""
