"""The same project as a command: what was chosen in the browser can be repeated, kept and changed as text."""

import json
import shlex

from crowd.money import plain
from curation.engine.asking import Campaign


def mine_command(asked: Campaign) -> str:
    """Return the command that makes this project, as it is typed into a shell."""
    words = ["./winnow", "mine", "-p", asked.recipe.name, "-d", asked.recipe.media, "-c", asked.platform]
    words += ["-overlap", str(asked.wanted), "--project", asked.name, "--budget", plain(asked.budget_micro)]
    for stage, changed in asked.settings.items():
        for name, value in changed.items():
            words += ["--set", f"{stage}.{name}={json.dumps(value, ensure_ascii=False)}"]
    for name, prompt in asked.added.items():
        words += ["--prompt", f"{name}={prompt}"]
    classes = [f"{name}={asked.quotas[name]}" if name in asked.quotas else name for name in asked.classes]
    return shlex.join([*words, "-t", *classes])
