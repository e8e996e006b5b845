"""Traces of messages, as the services send them by OTLP."""
