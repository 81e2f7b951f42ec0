"""The port on client libraries: a standalone server or a cluster behind `allocator.port.Store`."""
