"""Events: what happened, stored in order, sent live and handed to listeners."""
