"""Hide this machine's awscrt, which Lambda's runtime does not have: importing it fails as it would there."""

raise ImportError("awscrt is not part of Lambda's runtime")
