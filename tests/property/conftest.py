"""How long Hypothesis searches: briefly by default; EFTERHAND_HYPOTHESIS=medium takes minutes, =long an hour."""

import os

from hypothesis import HealthCheck, Phase, settings

from tests.property.fixtures import services

__all__ = ["services"]

_COMMON = settings(
    deadline=None,
    print_blob=True,
    derandomize=False,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)
settings.register_profile("short", _COMMON, max_examples=60)
settings.register_profile("medium", _COMMON, max_examples=150)
settings.register_profile("long", _COMMON, max_examples=3000)
settings.load_profile(os.environ.get("EFTERHAND_HYPOTHESIS", "short"))
