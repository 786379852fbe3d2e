"""How the house is set up and run: assets, servers, demo, checks."""
