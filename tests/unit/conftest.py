"""Settings of hypothesis for unit tests."""

from hypothesis import HealthCheck, settings

from tests.support.sizes import soak

# No deadline: the time of an example depends on the machine. Derandomised: two runs have the same examples, as long as
# the same modules are imported, whose constants hypothesis tries.
settings.register_profile(
    "wxbus",
    max_examples=soak(100, 40),
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("wxbus")
