"""Shapes and types in signatures are checked in every test: jaxtyping with beartype, on the whole package."""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from hypothesis import HealthCheck, settings
from jaxtyping import install_import_hook

install_import_hook("moviedreamer_core", "beartype.beartype")

# A busy machine is slow, not wrong: no test fails on wall time.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
