"""What follows from the model, for several rules; rules only judge it."""
