"""qproxy: one MySQL server in front of a sky catalogue that is spread over many.

The way of a query, each arrow one plain call or one async iterator:

    bytes -> wire: command -> session: verb -> planner: Plan -> dispatch: fragments in flight
          -> backends: RowBlocks -> merge: RowBlocks -> wire: bytes

See ARCHITECTURE.md for the rooms and the decisions behind them.
"""

__version__ = "0.1.0"
