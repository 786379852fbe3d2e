"""Reading hostile mails: in a process of its own with little memory, little time and no secrets."""
