"""Handles deliveries: lanes keep the order, stages process one delivery, one stage settles it."""
