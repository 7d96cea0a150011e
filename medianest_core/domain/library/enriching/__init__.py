"""Jobs that ask for more than a listing says: details from the source itself, fields from their owners."""
