"""The core tables, one file per subject."""
