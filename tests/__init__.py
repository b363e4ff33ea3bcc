"""Tests that see Air from outside: the Python package, the command line, the stream a viewer gets."""
