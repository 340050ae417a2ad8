// Outlines by taps: corner after corner, the first one closes, a label, done. The same editor as in review.

import { cornersToFractions, cornersToPixels } from "../lib/geometry.js";
import { OutlineEditor } from "../outline-editor.js";
import { outlineKeys } from "../outline-keys.js";
import { Drawing } from "./drawing.js";
import { t } from "./words.js";

class Outlines extends Drawing {
  shape = "outlines";

  draws(root, given, kept) {
    const outlines = kept.map(({ label, points }) => ({ label, points: cornersToPixels(points, given.width, given.height) }));
    const alt = t("Photo to outline. Tap corner after corner; the first one closes the outline.");
    return new OutlineEditor(root, { ...given, outlines, alt });
  }

  /** What is closed, labelled or not; corners of an open outline are not an answer yet. */
  drawn() {
    const { width, height } = this.editor;
    return this.editor.outlines.map(({ label, points }) => ({ label, points: cornersToFractions(points, width, height) }));
  }

  hasBegun() {
    return this.editor.outlines.length > 0 || this.editor.open.length > 0;
  }

  lacks() {
    return this.editor.open.length ? t("Close the outline first, or undo its corners.") : t("Every outline needs a label.");
  }

  draw() {
    super.draw();
    this.button("close").hidden = Boolean(this.editor.current);
    this.button("close").disabled = this.editor.open.length < 3;
  }

  close() {
    this.editor.closeOutline();
  }

  /** A label ends the work on an outline: the next tap sets the first corner of another one. */
  label(name) {
    const named = this.editor.current !== null;
    this.editor.setLabel(name);
    if (named) this.editor.select(null);
    const next = () => t("The next outlines are “{label}”.", { label: this.wordsOf(name) });
    this.say(named ? t("Done, or outline the next one.") : next());
  }

  keys() {
    return outlineKeys(() => this.editor, { label: (name) => this.label(name), save: () => this.done() });
  }
}

new Outlines().begin();
