"""Facts for the rules of the topic broker."""
