"""Runs all of wxbus on one machine: finds RabbitMQ and Redis, starts the services, plays the demo."""
