"""Property tests on a busy machine: no time limits, the claims are about values."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("acode", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("acode")
