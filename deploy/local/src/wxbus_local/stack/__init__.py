"""The services of wxbus as processes of this machine."""
