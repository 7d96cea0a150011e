"""A plugin for another MediaNest: it must not even be imported."""

raise SystemExit("imported although its metadata says it cannot run here")
