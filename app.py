"""The CDK app: cdk.json's context in, one stack out. `make deploy` runs it."""

from __future__ import annotations

import os
import sys

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import context, local_host
from infra.stack import SesFleetStack


def main() -> None:
    """Synthesise; a wrong context ends it with one message that names every fault."""
    app = cdk.App()
    here = local_host.defaults(os.environ)
    if here:
        sys.stderr.write(f"AWS_ENDPOINT_URL is this machine: unless the context says otherwise, packed for {here}\n")
    try:
        wanted = context.read(app.node.try_get_context(context.KEY), here)
    except context.ContextError as error:
        sys.exit(str(error))
    place = cdk.Environment(account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION"))
    SesFleetStack(app, wanted, env=place)
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    app.synth()


if __name__ == "__main__":
    main()
