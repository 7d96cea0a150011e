"""What every request passes before a page, an API call or a socket sees it."""
