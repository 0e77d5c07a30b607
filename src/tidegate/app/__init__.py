"""Wires the layers into a gateway, and what users program against."""
