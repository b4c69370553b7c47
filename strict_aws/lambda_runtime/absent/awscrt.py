"""What the command installs for itself and no function has: importing it here fails as it would in Lambda."""

raise ImportError("awscrt is part of the command, not of a function")
