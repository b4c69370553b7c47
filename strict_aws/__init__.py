"""A strict AWS for tests, on one machine: see README.md beside this file.

`strict_aws.aws.StrictAws` is all of it as one object; `python -m strict_aws` runs one until it is interrupted. The
strict SES (`ses.service`) and the strict Identity Center (`identity_center.service`) also work alone, without HTTP.
"""
