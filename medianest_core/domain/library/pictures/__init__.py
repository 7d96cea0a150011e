"""Pictures of titles: fetched once, made fit for browsers, and what stands there until they are loaded."""
