"""Changes values in a YAML text, and leaves every line alone that is not theirs: comments, order, spelling."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from twintrain.settings.yaml_text import TAG, block, on_one_line, same

COMMENT = re.compile(r"( +)(#.*)")
GAP = 2  # spaces before a comment that a long value has pushed to the right


def edited(text: str, old: dict[str, Any], node: MappingNode, new: dict[str, Any]) -> str:
    """Returns the text with the lines of those keys changed, added or taken out that differ in the new content.

    Mappings in block style are gone through key by key; any other value is written anew, on one line. Whoever calls it
    reads the outcome before it counts: a text in which a key has no line of its own comes out as something else.

    Args:
        old: the content of the text.
        node: its nodes, as `yaml_text.load` gives them.
    """
    editor = _Editor(text, node)
    editor.edit(node, old, new)
    return editor.outcome()


class _Editor:
    """Collects replacements in a text.

    Attributes:
        column: where most comments behind values begin.
        changes: (begin, end, new text), in any order.
    """

    def __init__(self, text: str, node: Node) -> None:
        self.text = text
        self.newline = "\r\n" if "\r\n" in text else "\n"
        self.changes: list[tuple[int, int, str]] = []
        columns = Counter(self._columns(node))
        self.column = columns.most_common(1)[0][0] if columns else 0

    def outcome(self) -> str:
        pieces, at = [], 0
        # Of what is put in at one place, what was collected first: an inner mapping's before the outer's.
        for begin, end, new in sorted(self.changes, key=lambda change: change[:2]):
            pieces += [self.text[at:begin], new]
            at = end
        return "".join([*pieces, self.text[at:]])

    def edit(self, node: MappingNode, old: dict[str, Any], new: dict[str, Any]) -> None:
        entries = {key.value: (key, value) for key, value in node.value if key.tag == TAG + "str"}
        for name, (key, value) in entries.items():
            if name not in new:
                self.changes.append((self._line_begin(key), self._after(value), ""))
            elif same(old[name], new[name]):
                continue
            elif _is_block(value, MappingNode) and isinstance(new[name], dict) and new[name]:
                self.edit(value, old[name], new[name])
            else:
                self._set(key, value, new[name])
        self._insert(node, entries, new)

    def _insert(self, node: MappingNode, entries: dict[str, Any], new: dict[str, Any]) -> None:
        """Puts each new key below the one that comes before it in the content; without one, below the last."""
        indent = " " * node.start_mark.column
        place, added = self._after(node), {}
        for name, value in new.items():
            if name in entries:
                place = self._after(entries[name][1])
            else:
                added[place] = added.get(place, []) + block({name: value}, indent)
        for place, lines in added.items():
            broken = "" if self.text[:place].endswith("\n") else self.newline
            self.changes.append((place, place, broken + "".join(line + self.newline for line in lines)))

    def _set(self, key: Node, value: Node, new: Any) -> None:
        colon = self.text.index(":", key.end_mark.index) + 1
        begin, end = value.start_mark.index, self._end(value)
        if begin == end:  # nothing is written
            begin = end = colon
        elif "\n" in self.text[colon:begin]:  # a block below its key
            if _is_block(value, SequenceNode) and isinstance(new, list) and new:
                self._replace_entries(value, new)
                return
            self.changes.append((self.text.index("\n", colon) + 1, self._after(value), ""))
            begin = end = colon
        head = self.text[self._line_begin(key) : begin]
        written = on_one_line(new) if head.endswith(" ") else f" {on_one_line(new)}"
        rest = self.text[end : self._line_end(end)]
        old_end = end - self.text.rfind("\n", 0, end) - 1
        self.changes.append((begin, end + len(rest), written + self._aligned(rest, old_end, len(head + written))))

    def _replace_entries(self, sequence: SequenceNode, new: list[Any]) -> None:
        """A list of one entry a line stays one."""
        dash = " " * sequence.start_mark.column + "- "
        lines = self.newline.join(dash + on_one_line(entry) for entry in new)
        self.changes.append((sequence.start_mark.index, self._end(sequence), lines.lstrip()))

    def _aligned(self, rest: str, old_end: int, new_end: int) -> str:
        """The comment behind a value: in the column of the others if it was there, or was pushed out of it."""
        found = COMMENT.match(rest)
        if not found:
            return rest
        gap = len(found[1])
        at = old_end + gap
        if at == self.column or (gap == GAP and at > self.column):
            gap = self.column - new_end if self.column > new_end else GAP
        return " " * gap + rest[len(found[1]) :]

    def _columns(self, node: Node) -> Iterator[int]:
        """Columns of the comments behind keys and values."""
        for key, value in node.value if _is_block(node, MappingNode) else ():
            is_below = _is_block(value, MappingNode) or _is_block(value, SequenceNode)
            end = self.text.index(":", key.end_mark.index) + 1 if is_below else self._end(value)
            if found := COMMENT.match(self.text, end):
                yield found.start(2) - self.text.rfind("\n", 0, end) - 1
            yield from self._columns(value)

    def _end(self, node: Node) -> int:
        """Where a value ends; the parser has the end of a block behind the comments that follow it."""
        if (_is_block(node, MappingNode) or _is_block(node, SequenceNode)) and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(node, MappingNode) else last)
        end = node.end_mark.index
        is_literal = isinstance(node, ScalarNode) and node.style in ("|", ">")
        return len(self.text[:end].rstrip()) if is_literal else end

    def _line_begin(self, key: Node) -> int:
        return self.text.rfind("\n", 0, key.start_mark.index) + 1

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end - self.text[:end].endswith("\r")

    def _after(self, node: Node) -> int:
        """Where the line begins that follows the last one of a value."""
        end = self.text.find("\n", self._end(node))
        return len(self.text) if end < 0 else end + 1


def _is_block(node: Node, kind: type[Node]) -> bool:
    return isinstance(node, kind) and not node.flow_style
