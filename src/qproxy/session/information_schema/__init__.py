"""information_schema: its tables from the catalogue, asked by whatever statement a client sends."""
