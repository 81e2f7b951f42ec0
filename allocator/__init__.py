"""The allocation port, its Redis/Valkey backends, the Lua scripts and the embedded server."""
