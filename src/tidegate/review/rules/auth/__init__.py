"""Rules on the topic ``auth``, one file each."""
