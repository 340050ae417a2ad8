"""Publish a HIT, let a worker do it, approve it: `python mturk_emulator.py http://127.0.0.1:8300`.

Nothing here knows of the emulator but its address and the worker, who is played through the control door.
"""

import sys

import boto3
import httpx

url = sys.argv[1]
SCHEMA = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
QUESTION = f"""<ExternalQuestion xmlns="{SCHEMA}">
  <ExternalURL>https://example.com/draw?photo=17</ExternalURL><FrameHeight>600</FrameHeight>
</ExternalQuestion>"""

keys = {"aws_access_key_id": "EMULATOR", "aws_secret_access_key": "any", "region_name": "us-east-1"}
client = boto3.client("mturk", endpoint_url=url, **keys)
hit = client.create_hit(
    Title="Draw a box around every hand", Description="One photo", Reward="0.05", Question=QUESTION,
    MaxAssignments=1, LifetimeInSeconds=86400, AssignmentDurationInSeconds=600, UniqueRequestToken="photo-17",
)["HIT"]  # fmt: skip

httpx.post(f"{url}/_emulator/workers", json={"id": "AWANDA"})
task = httpx.post(f"{url}/_emulator/workers/AWANDA/accept", json={"hit_id": hit["HITId"]}).json()
httpx.post(f"{url}/mturk/externalSubmit", data={"assignmentId": task["assignment_id"], "box": "10,20,110,140"})

for page in client.get_paginator("list_assignments_for_hit").paginate(HITId=hit["HITId"]):
    for assignment in page["Assignments"]:
        client.approve_assignment(AssignmentId=assignment["AssignmentId"])
        print(assignment["WorkerId"], "is paid; left:", client.get_account_balance()["AvailableBalance"])  # noqa: T201  it is an example
