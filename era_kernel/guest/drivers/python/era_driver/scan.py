"""Where in a piece of source its end is: in a string, in which brackets; for source that is not whole yet."""

import re

_PIECE = re.compile(r"#[^\n]*|([A-Za-z]{0,2})('''|\"\"\"|'|\")|[()\[\]{}]")
_ENDS = {quote: re.compile(r"(?:[^\\\n]|\\.)*?" + quote, re.S) for quote in ("'", '"')}
_ENDS.update((quote, re.compile(r"(?:[^\\]|\\.)*?" + quote, re.S)) for quote in ("'''", '"""'))
_CLOSES = {")": "(", "]": "[", "}": "{"}


class Place:
    """brackets: indices of those still open. pairs: closing → opening index. strings: end → start of whole ones.

    string: where the content of the string that is still open starts, None outside; prefix: its letters.
    """

    def __init__(self):
        self.brackets = []
        self.pairs = {}
        self.strings = {}
        self.string = None
        self.prefix = ""
        self.comment = False

    def is_statement(self):
        """Whether a new line begins a statement."""
        return self.string is None and not self.brackets


def at_end(text):
    """The Place at the end of a text."""
    place, position = Place(), 0
    while True:
        match = _PIECE.search(text, position)
        if match is None:
            return place
        position = match.end()
        if match[2]:
            position = _string(place, text, match)
        elif match[0][0] == "#":
            place.comment = position == len(text)
        elif match[0] in _CLOSES:
            if place.brackets and text[place.brackets[-1]] == _CLOSES[match[0]]:
                place.pairs[match.start()] = place.brackets.pop()
        else:
            place.brackets.append(match.start())


def _string(place, text, match):
    """Where the string is over."""
    end = _ENDS[match[2]].match(text, match.end())
    if end is not None:
        place.strings[end.end()] = match.start()
        return end.end()
    line_end = text.find("\n", match.end())
    if len(match[2]) == 1 and line_end >= 0:
        return line_end  # never closed: a mistake above, not the place that is looked for
    place.string, place.prefix = match.end(), match[1].lower()
    return len(text)
