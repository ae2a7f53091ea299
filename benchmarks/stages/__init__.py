"""One module a stage, named as the stage, with its `STAGE`; modules without one are parts of others."""
