"""What customers do to the world: signing up, and telling the CRM."""
