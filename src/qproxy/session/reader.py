"""Reads a statement token by token: what SET, SHOW and DESCRIBE share."""

from __future__ import annotations

from decimal import Decimal
from math import isfinite

from sqlglot.tokenizer_core import Token, TokenType

from qproxy.errors import SQLError
from qproxy.planner.parse import tokenize

#: Values that a literal can have.
Value = str | int | float | Decimal | None

# Longer numbers than this are taken for approximate ones: the text of 65 digits with point and sign, and some more.
_EXACT_DIGITS = 81
_MARKS = frozenset(
    (
        TokenType.STRING,
        TokenType.NATIONAL_STRING,
        TokenType.NUMBER,
        TokenType.HEX_STRING,
        TokenType.BIT_STRING,
        TokenType.IDENTIFIER,
        TokenType.INTRODUCER,
    )
)


def _words(token: Token) -> list[Token]:
    """A token word by word: the tokenizer makes one of some pairs of keywords, PRIMARY KEY for one."""
    words = token.text.split()
    if token.token_type in _MARKS or len(words) < 2:
        return [token]
    return [Token(TokenType.VAR, w, token.line, token.col, token.start, token.end) for w in words]


class Reader:
    """The tokens of one statement, front to back.

    Args:
        sql: the statement, without or with its closing semicolon.

    Raises:
        SQLError: 1064 for text that is no SQL, or that holds more than one statement.
    """

    def __init__(self, sql: str) -> None:
        self.sql = sql
        tokens = [word for token in tokenize(sql) for word in _words(token)]
        while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
            tokens.pop()
        self._tokens = tokens
        self._pos = 0

    @property
    def done(self) -> bool:
        """Whether all has been read."""
        return self._pos >= len(self._tokens)

    def token(self, ahead: int = 0) -> Token | None:
        """The next token, or one further ahead; None behind the end."""
        at = self._pos + ahead
        return self._tokens[at] if at < len(self._tokens) else None

    def kind(self, ahead: int = 0) -> TokenType | None:
        """Type of the next token, or of one further ahead."""
        token = self.token(ahead)
        return token.token_type if token else None

    def word(self, ahead: int = 0) -> str:
        """The next token as written, in upper case; empty for literals, quoted names and behind the end."""
        token = self.token(ahead)
        return "" if token is None or token.token_type in _MARKS else token.text.upper()

    def take(self) -> Token:
        """The next token, which is then behind us.

        Raises:
            SQLError: 1064 at the end.
        """
        token = self.token()
        if token is None:
            raise self.error()
        self._pos += 1
        return token

    def accept(self, *words: str) -> bool:
        """Whether these words come next; if so they are taken."""
        if all(self.word(i) == w for i, w in enumerate(words)):
            self._pos += len(words)
            return True
        return False

    def accept_any(self, *words: str) -> str:
        """The one of these words that comes next, taken; empty where none does."""
        found = self.word()
        if found and found in words:
            self._pos += 1
            return found
        return ""

    def expect(self, *words: str) -> None:
        """Take these words.

        Raises:
            SQLError: 1064 where something else comes.
        """
        for word in words:
            if not self.accept(word):
                raise self.error()

    def end(self) -> None:
        """Nothing may follow.

        Raises:
            SQLError: 1064 where something does.
        """
        if not self.done:
            raise self.error()

    def rest(self) -> str:
        """The text of what has not been read yet."""
        token, last = self.token(), self._tokens[-1] if self._tokens else None
        return "" if token is None or last is None else self.sql[token.start : last.end + 1]

    def name(self) -> str:
        """A name that comes next, plain or in backquotes.

        Raises:
            SQLError: 1064 where something else comes.
        """
        token = self.token()
        if token is None:
            raise self.error()
        text = token.text
        plain = token.token_type not in _MARKS and text.replace("_", "a").replace("$", "a").isalnum()
        if token.token_type is not TokenType.IDENTIFIER and not plain:
            raise self.error()
        self._pos += 1
        return text

    def text(self) -> str:
        """A text literal that comes next; adjacent ones are one.

        Raises:
            SQLError: 1064 where something else comes.
        """
        if self.kind() is not TokenType.STRING:
            raise self.error()
        parts = []
        while self.kind() is TokenType.STRING:
            parts.append(self.take().text)
        return "".join(parts)

    def number(self) -> int | float | Decimal:
        """An unsigned number that comes next: whole, exact or, with an exponent, approximate.

        Raises:
            SQLError: 1064 where something else comes; 1367 for a number beyond those of a double.
        """
        dot = self.token() if self.kind() is TokenType.DOT else None
        token = self.token(1) if dot else self.token()
        if token is None or token.token_type is not TokenType.NUMBER:
            raise self.error()
        if dot and (token.start != dot.end + 1 or "." in token.text):
            raise self.error()
        self._pos += 2 if dot else 1
        text = "." + token.text if dot else token.text
        if "e" in text.lower() or len(text) > _EXACT_DIGITS:
            if not isfinite(value := float(text)):
                raise SQLError(1367, f"Illegal double '{text[:80]}' value found during parsing")
            return value
        return Decimal(text) if "." in text else int(text)

    def error(self) -> SQLError:
        """Error 1064 at the next token."""
        token = self.token()
        start = token.start if token else len(self.sql.rstrip())
        near = self.sql[start:].rstrip().removesuffix(";")[:80]
        line = self.sql.count("\n", 0, start) + 1
        return SQLError(
            1064,
            "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server version "
            f"for the right syntax to use near '{near}' at line {line}",
        )
