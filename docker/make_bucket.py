"""Make the bucket when it is not there yet; wait for the object server to come up."""

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

ATTEMPTS = 30
EXISTS = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}


def main() -> int:
    storage = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1")
    for _ in range(ATTEMPTS):
        try:
            storage.create_bucket(Bucket=os.environ["S3_BUCKET"])
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] in EXISTS:
                return 0
            sys.stderr.write(f"the bucket cannot be made: {refusal}\n")
            return 1
        except BotoCoreError:
            time.sleep(1)
        else:
            return 0
    sys.stderr.write("the object server does not answer\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
