"""How far Tidegate goes: a model made of measured unit costs, and a simulation beside it."""
