"""What appends events from elsewhere."""
