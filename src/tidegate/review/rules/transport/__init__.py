"""Rules on the topic ``transport``, one file each."""
