"""Plugins that come with the core, found like any other."""
