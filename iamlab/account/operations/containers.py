"""ECS's exceptions to the general rule: none yet.

Source: "Actions, resources, and condition keys for Amazon Elastic Container Service".
"""
