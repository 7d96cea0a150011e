"""Tools for tests, simulators and the demo; import the module you need, this package itself holds nothing."""
