"""Rules on the topic ``client``, one file each."""
