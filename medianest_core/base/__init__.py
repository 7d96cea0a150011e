"""Ground floor: settings, logging, crypto, tasks and the guarded HTTP client. Knows nothing of plugins or data."""
