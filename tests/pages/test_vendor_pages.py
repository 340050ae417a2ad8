"""A pool with a vendor in the office: download the package, enter the cost, try a table, import it."""

import io
import json
from zipfile import ZipFile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from crowd.models import Account, Assignment, Batch, Task
from crowd.platforms.tagme_files import VendorFiles
from crowd.services import publishing
from curation.models import Event, Pool
from tests.factories import make_pool

pytestmark = pytest.mark.django_db
CHOICE = {"title": "Is this the sign?", "options": [{"value": "yes"}, {"value": "no"}]}
TABLE = b"file,worker,answer\ntask-0.jpg,w1,yes\ntask-1.jpg,w1,no\nlost.jpg,w1,yes\n"
CHOSEN = {"task": "file", "worker": "worker", "answer": "answer"}


@pytest.fixture
def pool(project) -> Pool:
    pool = make_pool(project)
    pool.account = Account.objects.create(slug="tagme", platform="tagme_files", label="TagMe")
    pool.save()
    return pool


@pytest.fixture
def batch(pool) -> Batch:
    """The published batch of the pool with two tasks in one package."""
    Batch.objects.filter(pool_id=pool.pk).update(account=pool.account, interface="choice", spec=CHOICE)
    batch = Batch.objects.select_related("account").get(pool_id=pool.pk)
    key = default_storage.save("screen/a", ContentFile(b"\xff\xd8\xffpixels"))
    rows = [
        Task(batch=batch, key=f"task-{n}", project_id=pool.project_id, payload={"image_key": key}, overlap=1)
        for n in range(2)
    ]
    Task.objects.bulk_create(rows)
    adapter = VendorFiles()
    batch.remote_id = adapter.ensure_batch(batch.account, publishing.spec_of(batch))
    batch.save()
    receipt = adapter.push_tasks(batch.account, batch.remote_id, [publishing.task_spec(row) for row in rows], "push-1")
    for row in rows:
        row.remote_id = receipt.ids[row.key]
        row.save()
    return batch


def at(name: str, pool: Pool, *rest: str) -> str:
    return reverse(name, args=[pool.project.public_id, pool.pk, *rest])


@pytest.fixture
def alice_at(people, pool):
    """Alice's browser on a page of the pool."""
    return lambda name, *rest: people["alice"].get(at(name, pool, *rest))


@pytest.fixture
def upload(people, pool):
    def send(data: bytes = TABLE, name: str = "results.csv"):
        file = SimpleUploadedFile(name, data)
        return people["alice"].post(at("vendor-upload", pool), {"table": file})

    return send


def test_the_pool_leads_to_its_files(people, pool, batch):
    assert at("vendor", pool) in people["alice"].get(at("pool", pool)).content.decode()
    assert at("vendor", pool) not in people["vera"].get(at("pool", pool)).content.decode()


def test_a_pool_elsewhere_has_no_such_page(people, project):
    inhouse = make_pool(project, "OTHER")
    assert people["alice"].get(at("vendor", inhouse)).status_code == 404
    assert at("vendor", inhouse) not in people["alice"].get(at("pool", inhouse)).content.decode()


def test_before_the_pool_is_opened_the_page_says_so(alice_at):
    page = alice_at("vendor")
    assert page.status_code == 200
    assert "Open the pool first" in page.content.decode()


def test_a_package_is_downloaded_whole(alice_at, batch):
    page = alice_at("vendor").content.decode()
    assert "Package 1" in page
    name = page.split("/vendor/packages/")[1].split("/")[0]
    answer = alice_at("vendor-package", name)
    assert "package-1.zip" in answer["Content-Disposition"]
    with ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:
        assert archive.testzip() is None
        assert "manifest.jsonl" in archive.namelist()


def test_a_package_nobody_packed_is_not_found(alice_at, batch):
    assert alice_at("vendor-package", "nothing").status_code == 404


@pytest.mark.parametrize(
    ("data", "name", "words"),
    [
        (b"PK\x03\x04 sheet", "results.xlsx", "Save the sheet as .xlsx or CSV"),
        (b"a,b\n1,\xff\n", "results.csv", "Line 2 of results.csv is not UTF-8"),
        (b"", "results.csv", "Line 1 of results.csv has no names of columns"),
    ],
)
def test_a_file_that_is_no_table_is_refused_on_the_page(upload, batch, data, name, words):
    page = upload(data, name)
    assert page.status_code == 400
    assert words in page.content.decode()


def test_no_file_at_all_is_asked_for(people, pool, batch):
    page = people["alice"].post(at("vendor-upload", pool))
    assert (page.status_code, "Choose the file with the results." in page.content.decode()) == (400, True)


def test_a_table_is_shown_with_its_columns_before_anything_is_taken_in(upload, people, batch):
    page = people["alice"].get(upload()["Location"]).content.decode()
    assert "task-0.jpg" in page
    assert '<option value="file" selected>' in page
    assert not Assignment.objects.exists()


def test_trying_counts_and_names_the_rows_that_cannot_be_used(upload, people, batch):
    page = people["alice"].post(upload()["Location"], {**CHOSEN, "do": "try"}).content.decode()
    assert "Import 2" in page
    assert "Line 4: &#x27;lost.jpg&#x27; is no task of this pool." in page
    assert not Assignment.objects.exists()


def test_importing_twice_brings_the_results_in_once(upload, people, batch, pool):
    address = upload()["Location"]
    for words in ("2 results came in, 0 were here already", "0 results came in, 2 were here already"):
        page = people["alice"].post(address, {**CHOSEN, "do": "import"}, follow=True).content.decode()
        assert words in page
    assert Assignment.objects.count() == 2
    told = Event.objects.filter(kind="pool.imported").order_by("id").values_list("text", flat=True)
    assert told[0] == f"{pool.title}: 2 results came in, 0 were here already, 1 could not be used."


def test_a_mapping_that_is_wrong_keeps_what_was_chosen(upload, people, batch):
    page = people["alice"].post(upload()["Location"], {**CHOSEN, "worker": "file", "do": "try"})
    assert page.status_code == 400
    assert "is chosen twice" in page.content.decode()
    assert page.content.decode().count('<option value="file" selected>') == 2


def test_the_columns_of_the_last_import_are_chosen_for_the_next(upload, people, batch):
    chosen = {"task": "answer", "worker": "worker", "answer": "file"}
    people["alice"].post(upload()["Location"], {**chosen, "do": "import"})
    page = people["alice"].get(upload(TABLE + b"task-1.jpg,w2,no\n")["Location"]).content.decode()
    assert page.index('<option value="answer" selected>') < page.index('<option value="file" selected>')


def test_hostile_cells_are_shown_as_text(upload, people, batch):
    data = json.dumps([{"<img src=x>": "<script>alert(1)</script>", "worker": "w1"}]).encode()
    page = people["alice"].get(upload(data, "a.json")["Location"]).content.decode()
    assert "<script>alert(1)" not in page
    assert "<img src=x>" not in page


@pytest.mark.parametrize("token", ["nothing", "../../x", "0" * 64 + ".exe", "0" * 64 + ".csv"])
def test_a_table_nobody_sent_is_not_found(people, pool, batch, token):
    address = at("vendor-table", pool, "TOKEN").replace("TOKEN", token)
    assert people["alice"].get(address).status_code == 404


def test_the_cost_is_kept_and_shown(people, pool, batch):
    people["alice"].post(at("vendor-cost", pool), {"cost": "12.50"})
    batch.refresh_from_db()
    assert batch.remote["vendor_cost"] == 12_500_000
    assert 'value="12.50"' in people["alice"].get(at("vendor", pool)).content.decode()


@pytest.mark.parametrize("cost", ["", "-1", "a lot", "1e30", "NaN"])
def test_a_cost_that_is_none_is_refused_in_a_sentence(people, pool, batch, cost):
    page = people["alice"].post(at("vendor-cost", pool), {"cost": cost})
    assert page.status_code == 400
    assert 'id="cost-error"' in page.content.decode()


@pytest.mark.parametrize("who", ["rita", "vera", "charlie"])
def test_only_leads_touch_the_files(people, pool, batch, upload, who):
    table = upload()["Location"]
    for name in ("vendor", "vendor-cost", "vendor-upload"):
        method = people[who].get if name == "vendor" else people[who].post
        assert method(at(name, pool)).status_code == 404
    assert people[who].get(table).status_code == 404
    assert people[who].post(table, {**CHOSEN, "do": "import"}).status_code == 404
