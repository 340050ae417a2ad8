"""Publish a pool, let a worker judge, accept and pay: `python toloka_emulator.py http://127.0.0.1:8200`.

Nothing here knows of the emulator but its address, its token and the worker, who is played through the control door.
"""

import datetime
import sys

import httpx
from toloka.client import Pool, Project, Task, TolokaClient
from toloka.client.project.field_spec import StringSpec, UrlSpec
from toloka.client.project.task_spec import TaskSpec
from toloka.client.project.view_spec import ClassicViewSpec

url = sys.argv[1]
client = TolokaClient("toloka-emulator-token", url=url)

spec = TaskSpec(input_spec={"image": UrlSpec()}, output_spec={"verdict": StringSpec(allowed_values=["ok", "bad"])},
                view_spec=ClassicViewSpec(markup="<p>Look</p>"))  # fmt: skip
project = client.create_project(Project(public_name="Is the whole hand there?", task_spec=spec))
pool = Pool(project_id=project.id, private_name="fist", reward_per_assignment=0.03, assignment_max_duration_seconds=600,
            will_expire=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=30),
            auto_accept_solutions=False, auto_accept_period_day=7)  # fmt: skip
pool.set_mixer_config(real_tasks_count=1)
pool = client.create_pool(pool)
client.create_tasks([Task(pool_id=pool.id, input_values={"image": "https://example.com/1.jpg"}, overlap=1)])
client.open_pool(pool.id)

door = f"{url}/_emulator"
worker = httpx.post(f"{door}/workers", json={"worker": {"country": "KE", "languages": ["EN"]}}).json()
page = httpx.post(f"{door}/workers/{worker['id']}/take", json={"pool_id": pool.id}).json()
httpx.post(f"{door}/assignments/{page['assignment_id']}/submit", json={"answers": [{"verdict": "ok"}]})

for assignment in client.get_assignments(pool_id=pool.id, status="SUBMITTED"):
    client.accept_assignment(assignment.id, "Thank you")
    print(assignment.user_id, "is paid; left:", client.get_requester().balance)  # noqa: T201  it is an example
