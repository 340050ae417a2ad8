"""What the modules of the pages say. English needs no list; for other languages the page carries theirs as JSON."""

from django.utils.translation import gettext, gettext_noop

from curation.portal.languages import USUAL, current

COMMON = (
    gettext_noop("Waiting for the network"),
    gettext_noop("Saving"),
    gettext_noop("Saved"),
    gettext_noop("Waiting for the network; kept here: {n}"),
    gettext_noop("Your answers on it are lost. Tap again to give it back."),
)
CHOOSING = (
    gettext_noop("Waiting for the network. Try again in a moment."),
    gettext_noop("Choose at least one."),
)
WRITING = (gettext_noop("Characters left: {n}"),)
BOXING = (
    gettext_noop("Photo to box. Two taps draw a box."),
    gettext_noop("Tap two corners, or drag."),
    gettext_noop("There is nothing to undo."),
    gettext_noop("Every box needs a label."),
    gettext_noop("Done when every box has a label."),
    gettext_noop("The next boxes are “{label}”."),
    gettext_noop("That box is too small. Set two corners further apart."),
    gettext_noop("Box added."),
    gettext_noop("Box added. Which label?"),
    gettext_noop("First corner set. Set the opposite corner."),
    gettext_noop("Move the mark with the arrow keys, set a corner with Enter."),
    gettext_noop("which one?"),
    gettext_noop("no label"),
    gettext_noop("Box {n}, {label}, at {place}"),
)
OUTLINING = (
    *BOXING,
    gettext_noop("Photo to outline. Tap corner after corner; the first one closes the outline."),
    gettext_noop("Tap corner after corner around the object."),
    gettext_noop("An outline needs at least three corners."),
    gettext_noop("Outline closed."),
    gettext_noop("Outline closed. Which label?"),
    gettext_noop("Close the outline first, or undo its corners."),
    gettext_noop("Every outline needs a label."),
    gettext_noop("Tap the first corner to close the outline."),
    gettext_noop("Done, or outline the next one."),
    gettext_noop("The next outlines are “{label}”."),
    gettext_noop("Outline {n}, {label}, {corners} corners"),
    gettext_noop("Corner chosen: move it, or remove it."),
    gettext_noop("Corner removed."),
)
SENDING = (
    gettext_noop("Take a photo"),
    gettext_noop("Take another photo"),
    gettext_noop("Record a video"),
    gettext_noop("Record another video"),
    gettext_noop("Your photo is in."),
    gettext_noop("Your video is in."),
    gettext_noop("This file is no picture that can be opened here. Take a photo, or choose a JPEG."),
    gettext_noop("The photo is {width} by {height} pixels; at least {long} by {short} are needed."),
    gettext_noop("{width} by {height} pixels. Is everything asked for in it?"),
    gettext_noop("The photo looks blurred. Take another one, or send it if it is sharp where it matters."),
    gettext_noop("The file has {n} MB; at most {most} MB can be sent."),
    gettext_noop("The video is {width} by {height} pixels; at least {long} by {short} are needed."),
    gettext_noop("The video lasts {seconds} s; at least {least} s are needed."),
    gettext_noop("The video lasts {seconds} s; at most {most} s are allowed."),
    gettext_noop("{seconds} s, {width} by {height} pixels. Is everything asked for in it?"),
    gettext_noop("This video cannot be looked at here. It can be sent all the same and is checked there."),
    gettext_noop("Getting it ready"),
    gettext_noop("{percent} % sent"),
    gettext_noop("Waiting for the network; {percent} % is sent and the file is kept here."),
    gettext_noop("{sent} of {all} sent"),
    gettext_noop("{sent} of {all} sent, {waiting} waiting"),
    gettext_noop("Some files are still on their way; the page is handed in when they have arrived."),
    gettext_noop("The file was not taken."),
)


SPOKEN = {"choice": CHOOSING, "pair": CHOOSING, "link": CHOOSING, "text": WRITING, "boxes": BOXING, "photo": SENDING}
SPOKEN |= {"outlines": OUTLINING}


def words(interface: str) -> dict[str, str]:
    """Return the sentences of a page's modules in the reader's language, by their English."""
    if current() == USUAL:
        return {}
    return {sentence: gettext(sentence) for sentence in (*COMMON, *SPOKEN[interface])}
