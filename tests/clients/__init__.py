"""The lab as other programs see it: the real AWS CLI, the AWS SDK for JavaScript."""
