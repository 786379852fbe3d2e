"""The rules of running contracts: days and their prices, what changes cost, and what they do."""
