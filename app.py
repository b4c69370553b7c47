"""The CDK app: it makes one stack of the settings in cdk.json's context. `make deploy` runs it."""

from __future__ import annotations

import os
import sys

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from infra import context, local_host
from infra.stack import SesFleetStack


def main() -> None:
    """Synthesise the stack, or end with one message that names every problem of the context."""
    app = cdk.App()
    here = local_host.defaults(os.environ)
    if here:
        sys.stderr.write(
            f"AWS_ENDPOINT_URL is on this machine: packing for {here}, unless the context says otherwise\n"
        )
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
