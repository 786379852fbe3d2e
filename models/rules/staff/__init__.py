"""Rules about people who work here: good passwords, and who approves."""
