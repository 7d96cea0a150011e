"""Running the ledger's jobs through Dramatiq."""
