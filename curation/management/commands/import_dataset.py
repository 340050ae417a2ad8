"""Take a labelled data set of somebody else's into a project."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError, StorageRefused
from curation.datasets.formats.registry import READERS
from curation.management.projects import project_or_exit, stage_or_exit
from curation.models import Project
from curation.services import import_audit, people
from curation.services.import_audit import Audit
from curation.services.import_check import Held, look_into
from curation.services.import_jobs import document
from curation.services.import_preparing import Wanted
from curation.services.import_spool import cancel
from curation.services.importing import Imported, Origin, WrongDataset, import_dataset

INTERRUPTED = 130
EVERY_SO_MANY = 20


class Command(BaseCommand):
    help = "Take pictures with their boxes into a project, all or nothing. The same file again changes nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument(
            "path", nargs="?", type=Path, metavar="PATH", help="a manifest with its pictures beside it, or a folder"
        )
        parser.add_argument("--format", help=", ".join(sorted(READERS)))
        parser.add_argument("--classes", default="", metavar="A,B", help="classes of the file to take; all if left out")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            dest="names",
            metavar="THEIRS=OURS",
            help="what a class of the file is called in the project; may be repeated",
        )
        parser.add_argument("--stage", help="stage where new pictures start; the review if left out")
        parser.add_argument("--source", default="", metavar="NAME", help="what the source is called; the file's name")
        parser.add_argument("--licence", default="", help="licence of pictures that name none themselves")
        parser.add_argument(
            "--audit",
            type=float,
            default=0.0,
            metavar="SHARE",
            help="share of pictures with boxes that our people box too",
        )
        parser.add_argument("--audits", action="store_true", help="how imported boxes agree with those of our people")
        parser.add_argument("--cancel", action="store_true", help="delete what an interrupted import has prepared")
        parser.add_argument("--check", action="store_true", help="only count what the file holds; store nothing")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, path: Path | None, **options: Any) -> None:
        if options["cancel"]:
            self._cancel(project_or_exit(project))
            return
        if options["audits"]:
            self.stdout.write(audits_told(import_audit.audits(project_or_exit(project)), as_json=options["json"]))
            return
        form = options["format"]
        if path is None or form is None:
            raise CommandError("Say what to take in: PATH and --format.", returncode=2)
        if form not in READERS:
            known = ", ".join(sorted(READERS))
            raise CommandError(f"{form!r} is not a format we read; there are: {known}.", returncode=2)
        found, wanted = project_or_exit(project), Wanted(_listed(options["classes"]), _names(options["names"]))
        if options["check"]:
            self.stdout.write(self._checked(found, path, form, wanted, as_json=options["json"]))
            return
        done, audited, past = self._taken(found, path, wanted, options)
        _clear()
        told = {**document(done, most=len(done.files_refused)), "audited": audited, "audit_too_late": past}
        self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else table(done, audited, past))

    def _taken(
        self, found: Project, path: Path, wanted: Wanted, options: Mapping[str, Any]
    ) -> tuple[Imported, int, int]:
        """Import, and send a share of what is new to our own people. Returns how many were sent, how many too late."""
        stage = stage_or_exit(found, options["stage"]) if options["stage"] else None
        share, source = options["audit"], options["source"].strip() or path.name
        if not 0 <= share <= 1:
            raise CommandError(f"--audit is a share from 0 to 1, not {share:g}.", returncode=2)
        try:
            if share:
                import_audit.stage_of(found)
            done = import_dataset(
                project=found,
                path=path,
                form=options["format"],
                wanted=wanted,
                stage=stage,
                origin=Origin(source, options["licence"].strip()),
                by=people.operator(),
                now=database_now(),
                progress=_show,
            )
            now = database_now()
            audited = import_audit.send(project=found, source=source, share=share, now=now) if share else 0
            return done, audited, import_audit.too_late(project=found, source=source, share=share) if share else 0
        except StorageRefused as error:
            raise CommandError(str(error), returncode=1) from None
        except CrowdError as error:
            raise CommandError(str(error), returncode=2) from None
        except KeyboardInterrupt:
            self.stderr.write(
                "\nInterrupted. Nothing is in the project yet; run the same command again to go on, or --cancel."
            )
            sys.exit(INTERRUPTED)

    def _cancel(self, project: Project) -> None:
        try:
            found = cancel(project)
        except CrowdError as error:
            raise CommandError(str(error), returncode=1) from None
        self.stdout.write(f"{found:,} prepared pictures were deleted; the project is as it was.")

    def _checked(self, project: Project, path: Path, form: str, wanted: Wanted, *, as_json: bool) -> str:
        try:
            held = look_into(project=project, path=path, form=form, wanted=wanted)
        except WrongDataset as error:
            raise CommandError(str(error), returncode=2) from None
        return json.dumps(asdict(held), ensure_ascii=False) if as_json else held_table(held)


def audits_told(found: Sequence[Audit], *, as_json: bool) -> str:
    """Say of each source on how many of the audited pictures our people drew the same."""
    if as_json:
        rows = [
            {"source": one.source, "sent": one.sent, "compared": one.hits.images, "alike": one.hits.right_images}
            | {"undecided": one.undecided}
            | {"interval": [round(side, 4) for side in one.interval]}
            | {"boxes": {"both": one.hits.hits, "theirs": one.hits.alarms, "ours": one.hits.misses}}
            for one in found
        ]
        return json.dumps({"audits": rows}, ensure_ascii=False)
    return "\n".join(map(_audit_line, found)) or "No picture was sent to an audit: import with --audit 0.05."


def _audit_line(one: Audit) -> str:
    words = f"{one.source}: {one.sent:,} audited, {one.hits.images:,} compared, {one.undecided:,} nobody agreed on"
    if not one.hits.images:
        return words
    low, high = one.interval
    share = one.hits.right_images / one.hits.images
    return (
        f"{words}, {one.hits.right_images:,} with the same boxes ({share:.0%}, {low:.0%} to {high:.0%}); "
        f"boxes of both {one.hits.hits:,}, of theirs alone {one.hits.alarms:,}, of ours alone {one.hits.misses:,}"
    )


def held_table(held: Held) -> str:
    lines = [
        f"{held.pictures:,} pictures, {held.empty:,} of them empty, {held.missing:,} not beside the file, "
        f"{held.wrong:,} entries wrong"
    ]
    for one in held.classes:
        becomes = "left out" if not one.is_taken else f"becomes {one.becomes}" if one.becomes else "NO CLASS HERE"
        lines.append(f"{one.pictures:>10,} pictures {one.boxes:>10,} boxes  {one.name}: {becomes}")
    return "\n".join(lines)


def _listed(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _names(texts: list[str]) -> dict[str, str]:
    found = {}
    for text in texts:
        theirs, separator, ours = (part.strip() for part in text.partition("="))
        if not separator or not theirs or not ours:
            raise CommandError(f"--map {text!r} must look like theirs=ours.", returncode=2)
        found[theirs] = ours
    return found


def table(done: Imported, audited: int = 0, past: int = 0) -> str:
    lines = [f"{one.file}: {one.sentence}" for one in done.files_refused]
    lines.append(
        f"{done.received} pictures: {done.new} new, {done.existing} already there, {done.left_out} without the classes "
        f"asked for, {len(done.files_refused)} refused"
    )
    labels = done.labels
    lines.append(
        f"labels: {labels['new']} new, {labels['changed']} changed, {labels['existing']} already there, "
        f"{labels['kept']} left as our own people have them"
    )
    lines += [f"{count:>8} pictures are in {name} as well" for name, count in sorted(done.also_in.items())]
    if done.other_licence:
        lines.append(f"{done.other_licence:>8} pictures are here already under another licence, which stays")
    lines += [f"{count:>8} boxes of {name}" for name, count in sorted(done.boxes.items())]
    if audited:
        lines.append(f"{audited:>8} pictures go to our own people too; --audits says how they agree")
    if past:
        lines.append(f"{past:>8} pictures were drawn too and are past the boxes already: they stay where they are")
    return "\n".join(lines)


def _show(count: int) -> None:
    """Count up on a terminal: how many lines a file holds is known only at its end."""
    if sys.stderr.isatty() and count % EVERY_SO_MANY == 0:
        sys.stderr.write(f"\r{count} pictures")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
