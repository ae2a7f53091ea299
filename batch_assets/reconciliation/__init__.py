"""Tables, live index and source bucket compared with each other, and the index mended; knows nothing of Dagster."""
