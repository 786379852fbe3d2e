"""What people, workflows and activities say to each other: frozen dataclasses and enums."""
