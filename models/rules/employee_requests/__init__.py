"""What is decided about catalogue items and requests: reading, checking, walking, rights."""
