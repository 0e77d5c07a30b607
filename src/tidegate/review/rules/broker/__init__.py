"""Rules on the topic ``broker``, one file each."""
