"""What people are told when a partition needs them, and how it reaches them."""
