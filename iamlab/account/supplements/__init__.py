"""What AWS does and moto does not: temporary credentials, refusals, boundaries, passwords, MFA."""
