"""Pure decisions: no clock, no setting, no database."""
