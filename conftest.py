"""What holds for the tests of the core and of every plugin."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A law says what is true, not how soon: on a busy machine one example may take seconds, and the same one nothing when it is
# tried again, which hypothesis would call unreliable.
_patient = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
# docs/decisions/0011: the suite tries the same examples on the same code, the soak looks for new ones.
settings.register_profile("suite", derandomize=True, **_patient)
settings.register_profile("explore", print_blob=True, **_patient)
settings.load_profile("suite")
