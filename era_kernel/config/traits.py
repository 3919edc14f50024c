"""The settings as traits: what `c.EraConfig` means in a configuration file, and what `--help-all` shows."""

from __future__ import annotations

import types
from typing import Any

from traitlets import TraitError, TraitType
from traitlets.config import Configurable

from era_kernel.config.settings import About, Rule, rules


class Value(TraitType[Any, Any]):
    """A trait that takes what its rule takes, texts too, and says so on one line otherwise."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule.default, allow_none=rule.default is None, help=_help(rule.about))
        self._rule = rule
        self.tag(config=True)

    def info(self) -> str:
        return self._rule.about.kind.must

    def validate(self, obj: Any, value: Any) -> Any:
        try:
            return self._rule.about.kind.check(value)
        except ValueError:
            raise TraitError(f"{self._rule.name} is {value!r}. It has to be {self._rule.about.kind.must}.") from None

    def from_string(self, s: str) -> Any:
        return s


def _help(about: About) -> str:
    others = [each for each in (about.option, about.variable) if each]
    return f"{about.help} {' and '.join(others)} {'win' if len(others) > 1 else 'wins'}." if others else about.help


def _body() -> dict[str, Any]:
    """The class's traits, one for each setting."""
    about = "What VMs, commands and logs are like when nobody says otherwise."
    return {"__doc__": about, "__module__": __name__, **{rule.name: Value(rule) for rule in rules().values()}}


EraConfig: type[Configurable] = types.new_class("EraConfig", (Configurable,), {}, lambda body: body.update(_body()))
