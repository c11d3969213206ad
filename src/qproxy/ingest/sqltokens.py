"""Words of SQL definitions, read one by one; every complaint names the line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from qproxy.ingest.yamlfile import Place

_TOKEN = re.compile(
    r"(?P<space>\s+|--[^\n]*|\#[^\n]*|/\*.*?\*/)"
    r"|(?P<string>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"\\]|\"\"|\\.)*\")"
    r"|(?P<quoted>`(?:[^`]|``)*`)"
    r"|(?P<number>[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(?![A-Za-z_$]))"
    r"|(?P<word>[\w$]+)"
    r"|(?P<mark>.)",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "Z": "\x1a"}


@dataclass(frozen=True)
class Token:
    """A word, name, number, text or sign, and its line."""

    kind: str
    text: str
    line: int

    @property
    def upper(self) -> str:
        """Words in upper case, all else as it is."""
        return self.text.upper() if self.kind == "word" else self.text


def unquote(literal: str) -> str:
    """The value of a text literal."""
    mark, body = literal[0], literal[1:-1]
    body = body.replace(mark * 2, mark)
    return re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), body, flags=re.DOTALL)


def tokens(text: str, line: int) -> list[Token]:
    """The words and signs of a text, without spaces and comments.

    Args:
        text: SQL.
        line: number of its first line.
    """
    found = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            found.append(Token(str(match.lastgroup), match[0], line))
        line += match[0].count("\n")
    return found


class Reader:
    """Reads tokens one by one."""

    def __init__(self, tokens: list[Token], place: Place) -> None:
        self.tokens = tokens
        self.pos = 0
        self.place = place

    def fail(self, message: str) -> None:
        """Complain about the token that comes next."""
        line = self.tokens[min(self.pos, len(self.tokens) - 1)].line if self.tokens else self.place.line
        replace(self.place, line=line).fail(message)

    @property
    def done(self) -> bool:
        """Whether all tokens were read."""
        return self.pos >= len(self.tokens)

    def peek(self, ahead: int = 0) -> str:
        """A coming token, words in upper case; empty behind the end."""
        at = self.pos + ahead
        return self.tokens[at].upper if at < len(self.tokens) else ""

    def take(self) -> Token:
        """The next token."""
        if self.done:
            self.fail("the statement ends too early")
        self.pos += 1
        return self.tokens[self.pos - 1]

    def accept(self, *words: str) -> bool:
        """Read these words if they come next."""
        if all(self.peek(i) == w for i, w in enumerate(words)):
            self.pos += len(words)
            return True
        return False

    def expect(self, word: str) -> None:
        """Read this word, which must come next."""
        if not self.accept(word):
            self.fail(f"'{word}' is expected here, not '{self.peek() or 'the end'}'")

    def name(self) -> str:
        """A name, quoted or not."""
        token = self.take()
        if token.kind == "quoted":
            return token.text[1:-1].replace("``", "`")
        if token.kind != "word":
            self.pos -= 1
            self.fail(f"a name is expected here, not '{token.text}'")
        return token.text

    def string(self) -> str:
        """The value of a text in quotes."""
        token = self.take()
        if token.kind != "string":
            self.pos -= 1
            self.fail(f"a text in quotes is expected here, not '{token.text}'")
        return unquote(token.text)

    def parenthesised(self) -> str:
        """What stands between parentheses, as text."""
        self.expect("(")
        depth, text, before = 1, "", ""
        while True:
            token = self.take()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if not depth:
                return text
            text += " " + token.text if token.kind == before == "word" else token.text
            before = token.kind
