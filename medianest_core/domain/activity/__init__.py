"""Views across domains: how far each request is on its way."""
