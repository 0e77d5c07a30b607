"""The private HTTP port."""
