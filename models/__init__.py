"""How a model is made, and the released ones. Nothing that runs imports this package."""
