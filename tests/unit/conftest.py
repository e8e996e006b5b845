"""Settings of hypothesis for unit tests."""

from hypothesis import HealthCheck, settings

# How long an example takes says more about the machine than about the code; what one run finds, every run finds.
settings.register_profile("wxbus", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("wxbus")
