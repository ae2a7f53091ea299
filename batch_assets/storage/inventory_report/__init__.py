"""S3 Inventory reports as a source of inventories: found, checked, and divided once into the partitions of a template.

Source of all that is said of reports: Amazon S3 user guide, "Cataloging and analyzing your data with S3 Inventory".
"""
