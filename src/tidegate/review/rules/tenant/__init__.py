"""Rules on the topic ``tenant``, one file each."""
