"""A plugin that ends the process politely while it is imported."""

import sys

sys.exit(3)
