"""The outside world over real HTTP: a payment gateway, mail and SMS that can be told to fail."""
