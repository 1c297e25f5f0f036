"""Review: who looks again, what they decide, and what is learnt from it."""
