"""What is right and what is wrong with a deployment, found by calls that cost nothing and change nothing."""
