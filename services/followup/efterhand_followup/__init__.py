"""followup: schedules checks and tells staff what is due."""
