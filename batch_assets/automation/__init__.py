"""What happens without a person: the daily schedule and the two sensors; wiring only."""
