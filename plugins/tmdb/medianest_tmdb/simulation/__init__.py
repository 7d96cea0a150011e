"""Parts of the simulated TMDB."""
