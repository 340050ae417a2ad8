"""Where a page of tasks and what belongs to it is found, for our own people and for those of other platforms."""

from dataclasses import dataclass

from django.urls import reverse

from crowd.models import Assignment


@dataclass(frozen=True, slots=True)
class Links:
    """Where a page and what belongs to it is found; `home` is empty where there is nothing to go back to."""

    page: str
    answers: str
    submit: str
    skip: str
    uploads: str
    pictures: str
    home: str = ""

    def answer(self, answer_id: int) -> str:
        return f"{self.answers}{answer_id}/"

    def picture(self, answer_id: int, kind: str) -> str:
        return f"{self.pictures}{answer_id}/{kind}/"


def own_links(page: Assignment) -> Links:
    """Return the addresses of a page for our own people."""
    here = reverse("w-page", args=[page.pk])
    return Links(
        page=here,
        answers=f"{here}answers/",
        submit=reverse("w-submit", args=[page.pk]),
        skip=reverse("w-skip", args=[page.pk]),
        uploads=reverse("w-uploads"),
        pictures=f"{reverse('w-home')}media/",
        home=reverse("w-home"),
    )
