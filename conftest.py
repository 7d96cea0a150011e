"""What holds for the tests of the core and of every plugin."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A law says what is true, not how soon: on a busy machine one example may take seconds, and the same one nothing when it is
# tried again, which hypothesis would call unreliable.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
