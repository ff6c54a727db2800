"""What a page of the help is, and a section of its index."""

from dataclasses import dataclass

from django.urls import reverse

from accounts.roles import Role

# A screen of everybody: whoever has no answer of their own role reads this one.
EVERYBODY = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One answer. `screens`: the names of the addresses whose foot leads here, for `audience` or for everybody."""

    slug: str
    title: str
    audience: Role | None = EVERYBODY
    screens: tuple[str, ...] = ()
    view: str = ""
    text: str = ""
    is_faq: bool = False

    @property
    def url(self) -> str:
        return reverse(self.view) if self.view else reverse("help:page", args=[self.slug])

    @property
    def template(self) -> str:
        """What is read of it, without the page around; nothing where the other room keeps it to itself."""
        return self.text if self.view else f"help/{self.slug}.html"


@dataclass(frozen=True, kw_only=True)
class Section:
    """A group of the index."""

    slug: str
    title: str
    pages: tuple[Page, ...]


def faq(slug: str, title: str, *screens: str, **fields) -> Page:
    """A question of the FAQ, word for word; for interpreters unless said."""
    return Page(
        slug=slug,
        title=title,
        audience=fields.pop("audience", Role.INTERPRETER),
        screens=screens,
        is_faq=True,
        **fields,
    )


def about(slug: str, title: str, *screens: str, audience: Role | None, **fields) -> Page:
    """A page that the FAQ has not, for one role or for EVERYBODY."""
    return Page(slug=slug, title=title, audience=audience, screens=screens, **fields)
