// Undo by commands: each knows how to do itself again and how to take itself back.

const DEPTH = 200;

/** @typedef {{redo: () => void, undo: () => void, joins?: string}} Command */

export class History {
  /** @type {Command[]} */ done = [];
  /** @type {Command[]} */ undone = [];

  /**
   * Do a command and remember it. Commands in a row with the same `joins` become one step (a held arrow key).
   * @param {Command} command
   */
  run(command) {
    command.redo();
    const last = this.done.at(-1);
    if (command.joins && last?.joins === command.joins) last.redo = command.redo;
    else this.done.push(command);
    if (this.done.length > DEPTH) this.done.shift();
    this.undone.length = 0;
  }

  undo() {
    const command = this.done.pop();
    if (!command) return false;
    command.undo();
    this.undone.push(command);
    return true;
  }

  redo() {
    const command = this.undone.pop();
    if (!command) return false;
    command.redo();
    this.done.push(command);
    return true;
  }
}
