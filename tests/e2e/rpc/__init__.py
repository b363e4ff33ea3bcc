"""`air-server` as control planes see it: a process, a socket, eight calls, and a stream that others judge."""
