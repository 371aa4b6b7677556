"""CloudTrail's exceptions to the general rule: none yet.

Source: "Actions, resources, and condition keys for AWS CloudTrail".
"""
