"""Rules on the topic ``module``, one file each."""
