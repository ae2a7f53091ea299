"""The permissions that this project needs, derived from the calls that it makes."""
