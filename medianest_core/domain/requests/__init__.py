"""Requests: what people want and the household does not have yet."""
