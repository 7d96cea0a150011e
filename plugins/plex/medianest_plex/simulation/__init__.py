"""The parts of the simulated plex.tv and Plex Media Server; `medianest_plex.simulator` puts them together."""
