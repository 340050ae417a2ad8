"""What a recipe says of its search engines: which queries, whom to ask, which words to count."""

from pydantic import BaseModel, ConfigDict, Field


class Counting(BaseModel):
    """How many results each thing has with each of some words; `class_from` says that the words are classes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    pattern: str
    engines: list[str] = Field(min_length=1)
    lists: dict[str, list[str]] = {}
    class_from: str = ""


class PublishedClass(BaseModel):
    """What somebody else's data set holds of a class: images from search engines, of public sets, and boxes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    crawled: int = Field(ge=0)
    public: int = Field(ge=0)
    boxes: int = Field(ge=0)


class PublishedSearch(BaseModel):
    """The counts of somebody else's search: addresses, pictures among them, pictures of the right thing; by class.

    `fetched` are the addresses that a file came from, where that was printed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str
    addresses: int = Field(default=0, ge=0)
    fetched: int = Field(default=0, ge=0)
    pictures: int = Field(default=0, ge=0)
    kept: int = Field(default=0, ge=0)
    classes: dict[str, PublishedClass] = {}


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    pattern: str
    lists: dict[str, list[str]] = {}
    engines: list[str] = Field(min_length=1)
    class_from: str = ""
    pages: int = Field(default=1, ge=1)
    per_query: int = Field(default=100, ge=1)
    seconds_between: float = Field(default=1.7, ge=0)
    counting: Counting | None = None
    published: PublishedSearch | None = None
