"""How the keys of a bucket are laid out: a sample of them, and the prefix templates that fit."""
