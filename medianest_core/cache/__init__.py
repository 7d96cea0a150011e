"""Short-lived values and rate limits; losing all of it loses nothing."""
