"""How the house is asked: one router file per word."""
