"""Can what is configured be understood?"""

from __future__ import annotations

from era_kernel.config.sources import DEFAULT, look_up
from era_kernel.doctor.finding import Finding, Grade, failed
from era_kernel.errors import ConfigError


def check_configuration() -> Finding:
    """What is not as usual, each with what says so."""
    name = "configuration"
    try:
        found = look_up()
    except ConfigError as error:
        return failed(name, error)
    said = [f"{setting}={each.value} ({each.source})" for setting, each in found.items() if each.source != DEFAULT]
    return Finding(name, Grade.OK, ", ".join(said) or "nothing set: defaults")
