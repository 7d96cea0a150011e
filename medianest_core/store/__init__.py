"""Database: engine, tables, migrations. SQLAlchemy Core only."""
