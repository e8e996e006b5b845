"""Receives WeChat's callbacks, stores them in RabbitMQ or on disk, and answers in time."""
