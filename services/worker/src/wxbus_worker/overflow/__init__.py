"""Keeps the messages of a lane beyond its share in Redis, in order, so that they do not block other lanes."""
