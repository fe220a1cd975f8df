"""The generated pages, tables and figures."""
