"""`/metrics`: the monitors in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Iterator

from medianest_uptimekuma.simulation.monitors import DAY, Monitor
from medianest_uptimekuma.simulation.world import World

_WINDOWS = (("1d", DAY), ("30d", 30 * DAY), ("365d", 365 * DAY))
_HELP = {
    "monitor_cert_days_remaining": "The number of days remaining until the certificate expires",
    "monitor_cert_is_valid": "Is the certificate still valid? (1 = Yes, 0= No)",
    "monitor_uptime_ratio": "Uptime ratio calculated over sliding window specified by the 'window' label. (0.0 - 1.0)",
    "monitor_response_time_seconds": "Average response time in seconds over the 'window' label",
    "monitor_response_time": "Monitor Response Time (ms)",
    "monitor_status": "Monitor Status (1 = UP, 0= DOWN, 2= PENDING, 3= MAINTENANCE)",
}


def render(world: World) -> str:
    """Those that were checked since the start and are not paused, with some figures of the process itself."""
    lines = [
        "# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.",
        "# TYPE process_cpu_user_seconds_total counter",
        "process_cpu_user_seconds_total 1.5",
        "",
        "# HELP nodejs_version_info Node.js version info.",
        "# TYPE nodejs_version_info gauge",
        'nodejs_version_info{version="v20.19.0",major="20",minor="19",patch="0"} 1',
        "",
    ]
    shown = [one for one in world.monitors.values() if one.active and world.beats(one)]
    for metric, meaning in _HELP.items():
        if not world.profile.second and metric in ("monitor_uptime_ratio", "monitor_response_time_seconds"):
            continue
        lines += [f"# HELP {metric} {meaning}", f"# TYPE {metric} gauge"]
        for monitor in shown:
            lines += [f"{metric}{{{labels}}} {value}" for labels, value in _samples(world, metric, monitor)]
        lines.append("")
    return "\n".join(lines)


def _samples(world: World, metric: str, monitor: Monitor) -> Iterator[tuple[str, str]]:
    labels, last = _labels(world, monitor), world.beats(monitor)[-1]
    if metric == "monitor_status":
        yield labels, str(last.status)
    elif metric == "monitor_response_time":
        yield labels, str(-1 if last.ping is None else last.ping)
    elif metric == "monitor_uptime_ratio":
        for window, seconds in _WINDOWS:
            yield f'{labels},window="{window}"', str(world.uptime(monitor, seconds))
    elif metric == "monitor_response_time_seconds":
        mean = world.average(monitor)
        for window, _ in _WINDOWS:
            yield f'{labels},window="{window}"', str(0 if mean is None else mean / 1000)
    elif monitor.certificate_days is not None:
        days = metric == "monitor_cert_days_remaining"
        yield labels, str(monitor.certificate_days if days else int(monitor.certificate_days > 0))


def _labels(world: World, monitor: Monitor) -> str:
    url = "" if monitor.type == "push" else monitor.url or "https://"
    values = {
        "monitor_id": str(monitor.id),
        "monitor_name": monitor.name,
        "monitor_type": monitor.type,
        "monitor_url": url,
        # What there is not is the word for nothing.
        "monitor_hostname": "null" if monitor.hostname is None else monitor.hostname,
        "monitor_port": "null" if monitor.port is None else str(monitor.port),
    }
    if not world.profile.second:
        del values["monitor_id"]
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
