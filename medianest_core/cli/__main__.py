"""`python -m medianest_core.cli …`: the same as the `medianest` script."""

from medianest_core.cli import main

main()
