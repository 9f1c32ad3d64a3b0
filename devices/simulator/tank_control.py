"""What the control socket may wish of the tanks and their gauge."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from devices.protocols.veeder_root.alarms import type_of
from devices.protocols.veeder_root.messages import TANK_FIGURES, Units
from devices.simulator.probes import Probe
from devices.simulator.tank_farm import TankFarm

Asked: TypeAlias = dict[str, Any]
_FAULTS = ("damaged", "halved", "lost", "noise", "wrong_tank")
_OPTIONS = ("display_only", "bare", "tells_units", "heights")


class TankControl:
    """Wishes by name; each touches the tanks under their lock."""

    def __init__(self, farm: TankFarm) -> None:
        self._farm = farm
        self._console = farm.line.console
        self.wishes: dict[str, Callable[[Asked], None]] = {
            "deliver": self._at(self._deliver),
            "water": self._at(self._water),
            "leak": self._at(self._leak),
            "lose": self._at(lambda probe, asked: probe.lose(Decimal(asked["litres"]))),
            "heat": self._at(self._heat),
            "probe": self._at(lambda probe, asked: probe.unplug(bool(asked["out"]))),
            "tank_alarms": self._at(self._alarms),
            "figure": self._at(self._figure),
            "clock": self._clock,
            "console": self._options,
            "gauge_faults": self._faults,
        }

    def _at(self, act: Callable[[Probe, Asked], None]) -> Callable[[Asked], None]:
        def wish(asked: Asked) -> None:
            with self._farm.line.lock:
                act(self._farm.probe(int(asked["tank"])), asked)

        return wish

    def _deliver(self, probe: Probe, asked: Asked) -> None:
        seconds = Decimal(str(asked.get("seconds", 60)))
        probe.deliver(Decimal(asked["litres"]), seconds, self._console.stamp)

    def _water(self, probe: Probe, asked: Asked) -> None:
        probe.water_mm = Decimal(asked["mm"])

    def _leak(self, probe: Probe, asked: Asked) -> None:
        probe.leak = Decimal(asked["rate"])

    def _heat(self, probe: Probe, asked: Asked) -> None:
        probe.temperature = Decimal(asked["celsius"])

    def _alarms(self, probe: Probe, asked: Asked) -> None:
        probe.set_alarms = {str(one) for one in asked["types"]}

    def _figure(self, probe: Probe, asked: Asked) -> None:
        name = asked["name"]
        if name not in TANK_FIGURES:
            raise ValueError(name)
        if "value" in asked:
            probe.impossible[name] = Decimal(asked["value"])
        else:
            probe.impossible.pop(name, None)

    def state(self) -> Asked:
        """What stands in the tanks, and how the console is."""
        with self._farm.line.lock:
            return {
                "tanks": {number: _told(one) for number, one in self._console.probes.items()},
                "gauge": {
                    "unplugged": not self._farm.line.end.is_open,
                    "silent": self._console.faults.silent,
                    "display_only": self._console.options.display_only,
                },
            }

    def _clock(self, asked: Asked) -> None:
        self._console.off = timedelta(minutes=int(asked["minutes"]))

    def _options(self, asked: Asked) -> None:
        options = self._console.options
        for name in _OPTIONS:
            if name in asked:
                setattr(options, name, bool(asked[name]))
        options.floats = int(asked.get("floats", options.floats))
        options.units = Units(str(asked.get("units", options.units)))

    def _faults(self, asked: Asked) -> None:
        faults = self._console.faults
        for name in _FAULTS:
            if name in asked:
                setattr(faults, name, int(asked[name]))
        faults.silent = bool(asked.get("silent", faults.silent))


def _told(probe: Probe) -> Asked:
    return {
        "litres": str(probe.volume),
        "room": str(probe.room),
        "water_mm": str(probe.water_mm),
        "celsius": str(probe.temperature),
        "leak": str(probe.leak),
        "pouring": str(probe.pouring.left) if probe.pouring else "",
        "out": probe.invalid,
        "alarms": [type_of(one).word for one in probe.alarms()],
        "set": sorted(probe.set_alarms),
    }
