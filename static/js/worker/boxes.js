// Boxes by taps: two corners, a label, done. The same editor as in review.

import { BoxEditor } from "../box-editor.js";
import { editorKeys } from "../editor-keys.js";
import { toFractions, toPixels } from "../lib/geometry.js";
import { Drawing } from "./drawing.js";
import { t } from "./words.js";

class Boxes extends Drawing {
  shape = "boxes";

  draws(root, given, kept) {
    const boxes = kept.map((box) => ({ label: box.label, ...toPixels([box.x, box.y, box.w, box.h], given.width, given.height) }));
    return new BoxEditor(root, { ...given, boxes, alt: t("Photo to box. Two taps draw a box.") });
  }

  drawn() {
    const { width, height } = this.editor;
    return this.editor.boxes.map((box) => ({ label: box.label, ...toFractions(box, width, height) }));
  }

  hasBegun() {
    return this.editor.boxes.length > 0;
  }

  lacks() {
    return t("Every box needs a label.");
  }

  label(name) {
    this.editor.setLabel(name);
    const next = () => t("The next boxes are “{label}”.", { label: this.wordsOf(name) });
    this.say(this.editor.current ? t("Done when every box has a label.") : next());
  }

  keys() {
    return editorKeys(() => this.editor, { save: () => this.done() });
  }
}

new Boxes().begin();
