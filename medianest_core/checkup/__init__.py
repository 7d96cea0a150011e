"""What `medianest doctor` looks at, one concern a module. Each check returns findings and never raises."""
