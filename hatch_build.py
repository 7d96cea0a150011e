"""Build the browser assets: used by the packaging hook, and by `make` through `python hatch_build.py`."""
