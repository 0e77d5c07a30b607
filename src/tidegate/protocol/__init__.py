"""Sans-I/O cores: WebSocket, Engine.IO v4 and Socket.IO v5, server side."""
