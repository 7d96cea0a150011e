"""The parts of the simulated Uptime Kuma."""
