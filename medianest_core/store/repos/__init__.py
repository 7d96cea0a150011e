"""Small table gateways used from several floors."""
