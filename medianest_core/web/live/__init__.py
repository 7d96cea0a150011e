"""Live updates: Socket.IO behind the gate."""
