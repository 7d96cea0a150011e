"""A plugin that raises while it is imported."""

raise AssertionError("this plugin expects another world")
