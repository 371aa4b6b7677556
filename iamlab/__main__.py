"""`python -m iamlab`: the `iamlab` command where the command itself is not on the path."""

from iamlab.cli import main

raise SystemExit(main())
