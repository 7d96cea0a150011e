"""What the simulated Radarr and Sonarr are made of. This package itself holds nothing."""
