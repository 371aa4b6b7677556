"""The pretend AWS account: moto, made to enforce."""
