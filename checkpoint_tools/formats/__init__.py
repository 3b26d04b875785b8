"""One module per checkpoint format, all behind the protocol in `protocol`."""
